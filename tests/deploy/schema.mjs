// Checks Kubernetes objects against their kinds' schemas: schema.mjs FILE, a JSON list of objects, in the directory that has
// the packages. Prints a JSON list of lists: what is wrong with each object.
//
// Types are checked twice, as no single check sees all: the compiler knows which fields there are (a literal with another one
// is an error), the validators know numbers, formats and quantities.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.cwd(), "package.json"));
const ts = require("typescript");

const objects = JSON.parse(readFileSync(process.argv[2], "utf8"));

// Where the packages keep a kind: groups of custom resources have packages of their own.
function moduleOf({ apiVersion, kind }) {
  const group = apiVersion.startsWith("monitoring.coreos.com/") ? "@kubernetes-models/prometheus-operator" : "kubernetes-models";
  return `${group}/${apiVersion}/${kind}`;
}

function wrongByValidator(object) {
  try {
    const model = require(moduleOf(object));
    new model[object.kind](object).validate();
    return [];
  } catch (error) {
    return [error.message];
  }
}

// One source for each object, none of them on the disk.
function wrongByType() {
  const sources = new Map(objects.map((object, index) => [
    join(process.cwd(), `object${index}.ts`),
    `import { I${object.kind} } from "${moduleOf(object)}";\nexport const object: I${object.kind} = ${JSON.stringify(object, null, 1)};\n`,
  ]));
  const options = {
    module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Node10, noEmit: true, skipLibCheck: true,
    strict: true, target: ts.ScriptTarget.ES2022, types: [],
  };
  const host = ts.createCompilerHost(options);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (name) => sources.has(name) || fileExists(name);
  host.getSourceFile = (name, version) =>
    sources.has(name) ? ts.createSourceFile(name, sources.get(name), version) : getSourceFile(name, version);
  const program = ts.createProgram([...sources.keys()], options, host);
  return [...sources.keys()].map((name) =>
    program.getSemanticDiagnostics(program.getSourceFile(name))
      .map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, ": ")));
}

const byType = wrongByType();
console.log(JSON.stringify(objects.map((object, index) => [...byType[index], ...wrongByValidator(object)])));
