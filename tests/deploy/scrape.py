"""What Prometheus makes of a discovered pod by a scrape configuration, and by the operator's PodMonitor."""

import json
import re
import subprocess
import tempfile

import yaml

# As service discovery finds the agent's pod.
_DISCOVERED = {"__meta_kubernetes_namespace": "knell", "__meta_kubernetes_pod_name": "knell-x2x7k",
               "__meta_kubernetes_pod_node_name": "node-1", "__meta_kubernetes_pod_container_name": "agent",
               "__meta_kubernetes_pod_container_port_name": "metrics",
               "__meta_kubernetes_pod_label_app_kubernetes_io_name": "knell"}


def job_of(monitor: dict) -> dict:
    """As the operator writes it: labels of its own first, then those of the object."""
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    labels = {"namespace": "namespace", "pod": "pod_name", "container": "pod_container_name",
              "job": "pod_label_" + re.sub(r"\W", "_", monitor["spec"]["jobLabel"])}
    relabel = [{"source_labels": [f"__meta_kubernetes_{source}"], "target_label": label} for label, source in labels.items()]
    relabel.append({"target_label": "endpoint", "replacement": endpoint["port"]})
    relabel += [{re.sub(r"([A-Z])", r"_\1", key).lower(): value for key, value in rule.items()}
                for rule in endpoint["relabelings"]]
    return {"job_name": "podMonitor/knell/knell/0", "honor_labels": endpoint["honorLabels"], "relabel_configs": relabel}


def labels_of_target(job: dict) -> dict:
    """That every series of the agent has, unless it has labels of that name itself."""
    # Debian's Prometheus has no Kubernetes in it.
    found = {"static_configs": [{"targets": ["192.0.2.1:9477"], "labels": _DISCOVERED}]}
    job = {**{key: value for key, value in job.items() if key != "kubernetes_sd_configs"}, **found}
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump({"scrape_configs": [job]}, file)
        told = subprocess.run(["promtool", "check", "service-discovery", "--timeout=1s", file.name, job["job_name"]],
                              capture_output=True, text=True, check=False)
    if told.returncode != 0:
        raise AssertionError(told.stderr)
    (target,) = json.loads(told.stdout)
    return {label: value for label, value in target["labels"].items() if not label.startswith("__")}
