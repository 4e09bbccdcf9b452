// Judges what a daemon said by the OpenAPI document that it serves itself: the document before an independent validator
// (@seriousme/openapi-schema-validator), every answer before ajv.
//     node openapi_judge.js NODE_MODULES FILE     FILE: {"document", "said": [{operation, status, headers, body, path, query, request, sent}],
//     "empty": members, by how their place ends, of which no value has to be seen}
"use strict";
const fs = require("fs");
const { createRequire } = require("module");
const { pathToFileURL } = require("url");

const [modules, file] = process.argv.slice(2);
const load = createRequire(modules + "/");
const { document, said, empty } = JSON.parse(fs.readFileSync(file));
const faults = new Map();
const fault = (words) => faults.set(words, (faults.get(words) || 0) + 1);

const Ajv = load("ajv/dist/2020").default, formats = load("ajv-formats").default;
const ajv = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true, strictTypes: false, strictRequired: false });
formats(ajv);
ajv.addKeyword("components");
ajv.addSchema({ $id: "doc", components: document.components });
const compiled = new Map();
const judge = (schema) => {
  const text = JSON.stringify(schema).replaceAll('"#/', '"doc#/');
  if (!compiled.has(text)) compiled.set(text, ajv.compile(JSON.parse(text)));
  return compiled.get(text);
};
const resolve = (schema) => schema.$ref ? document.components.schemas[schema.$ref.split("/").pop()] : schema.allOf ? resolve(schema.allOf[0])
  : schema.oneOf ? resolve(schema.oneOf[0]) : schema;

const operations = new Map();
for (const [path, item] of Object.entries(document.paths))
  for (const [method, words] of Object.entries(item)) operations.set(words.operationId, { path, method, ...words });

// Objects take nothing that is not named. (The document about itself is no such object.)
const closed = (schema, where) => {
  if (schema.type === "object" && schema.additionalProperties !== false) fault(`${where}: takes members that it does not name`);
};
for (const [name, schema] of Object.entries(document.components.schemas)) closed(schema, name);

// Which lists and members were ever seen with something in them.
const filled = new Set(), wanted = new Set();
function look(schema, value, where) {
  const plain = resolve(schema);
  if (plain.properties)
    for (const [name, member] of Object.entries(plain.properties)) {
      const place = `${where}.${name}`;
      wanted.add(place);
      if (value && value[name] !== null && value[name] !== undefined) {
        if (!Array.isArray(value[name]) || value[name].length) filled.add(place);
        look(member, value[name], place);
      }
    }
  if (plain.items && Array.isArray(value)) for (const item of value) look(plain.items, item, where + "[]");
}

const headWords = ["etag", "location", "retry-after", "www-authenticate", "idempotency-replayed"];
function judgeHead(response, one, where) {
  const named = Object.fromEntries(Object.entries(response.headers || {}).map(([name, words]) => [name.toLowerCase(), words]));
  for (const [name, words] of Object.entries(named)) {
    if (one.headers[name] === undefined) {
      if (words.required) fault(`${where}: no header ${name}`);
    } else if (!judge(words.schema)(one.headers[name])) fault(`${where}: the header ${name} is ${one.headers[name]}`);
  }
  for (const name of headWords) if (one.headers[name] !== undefined && !named[name]) fault(`${where}: an undocumented header ${name}`);
}

function judgeBody(response, one, where) {
  const types = Object.keys(response.content || {});
  if (!types.length) {
    if (one.body) fault(`${where}: a body where there is none`);
    return;
  }
  const type = (one.headers["content-type"] || "").split(";")[0];
  if (!types.includes(type)) return fault(`${where}: comes as ${type}, not as ${types}`);
  const schema = response.content[type].schema, value = JSON.parse(one.body), check = judge(schema);
  if (!check(value)) fault(`${where}: ${check.errors.map((e) => `${e.instancePath || "/"} ${e.message} ${JSON.stringify(e.params)}`).join("; ")}`);
  if (value.status !== undefined && one.status >= 400 && value.status !== one.status) fault(`${where}: the problem says ${value.status}`);
  if (one.status < 300) look(schema, value, (schema.$ref || "").split("/").pop());
}

// What was taken is what the document lets in.
function judgeRequest(operation, one, where) {
  const text = { path: one.path, query: one.query, header: one.sent };
  for (const parameter of operation.parameters || []) {
    const name = parameter.in === "header" ? parameter.name.toLowerCase() : parameter.name, given = text[parameter.in][name];
    if (given === undefined) {
      if (parameter.required) fault(`${where}: taken without ${parameter.name}`);
      continue;
    }
    const value = parameter.schema.type === "integer" ? Number(given) : String(given);
    if (!judge(parameter.schema)(value)) fault(`${where}: taken with ${parameter.name}=${given}`);
  }
  for (const name of Object.keys(one.query)) if (!(operation.parameters || []).some((p) => p.in === "query" && p.name === name)) fault(`${where}: ?${name} is unknown`);
  if (operation.requestBody) {
    const check = judge(operation.requestBody.content["application/json"].schema);
    if (!check(one.request)) fault(`${where}: taken, against the document: ${JSON.stringify(check.errors)}`);
  } else if (one.request !== null) fault(`${where}: taken with a body that the document does not know`);
}

async function main() {
  const { Validator } = await import(pathToFileURL(load.resolve("@seriousme/openapi-schema-validator")).href);
  const judged = await new Validator().validate(JSON.parse(JSON.stringify(document)));
  if (!judged.valid) fault("the document: " + JSON.stringify(judged.errors));
  for (const one of said) {
    const operation = operations.get(one.operation), where = `${one.operation} ${one.status}`, response = operation && operation.responses[one.status];
    if (!response) {
      fault(`${where}: not in the document: ${one.body.slice(0, 200)}`);
      continue;
    }
    judgeHead(response, one, where);
    judgeBody(response, one, where);
    if (one.status < 300) judgeRequest(operation, one, where);
  }
  for (const place of wanted) if (!filled.has(place) && !empty.some((end) => place.endsWith(end))) fault("never seen with a value: " + place);
  for (const [words, count] of faults) console.log(`FAULT ${count}x ${words}`);
  console.log(`${operations.size} operations, ${said.length} answers judged, ${filled.size} of ${wanted.size} members seen with a value: ${faults.size} faults`);
  process.exit(faults.size ? 1 : 0);
}
main();
