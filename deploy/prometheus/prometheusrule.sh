#!/usr/bin/env bash
# Prints rules/ and alerts/ as a PrometheusRule object for the Prometheus operator. The copy in deploy/kubernetes is
# written by
#
# deploy/prometheus/prometheusrule.sh >deploy/kubernetes/components/prometheus-operator/prometheusrule.yaml
#
# deploy/prometheus/prometheusrule.sh URL   runbook_url points to the page at URL, in place of docs/runbook.md
set -euo pipefail
cd "$(dirname "$0")"
runbook=${1:-docs/runbook.md}

cat <<'HEADER'
# Written by deploy/prometheus/prometheusrule.sh from the files beside it: change those.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: knell
  labels:
    app.kubernetes.io/name: knell
spec:
  groups:
HEADER
# Each file is comments, `groups:` and a list of groups; its list joins the one above.
for file in rules/*.yaml alerts/*.yaml; do
  sed "/^groups:\$/d; s|^|  |; s|^  #|    #|; s|\(runbook_url: \)docs/runbook\.md|\1$runbook|" "$file"
done
