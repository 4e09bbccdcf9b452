// The API's OpenAPI document before an independent validator (@seriousme/openapi-schema-validator), and each of its schemas before ajv: strict,
// with bodies that must pass and bodies that must not.
//     node openapi_test.js NODE_MODULES PROGRAM     PROGRAM prints the document
"use strict";
const { execFileSync } = require("child_process");
const { createRequire } = require("module");
const { pathToFileURL } = require("url");

const [modules, program] = process.argv.slice(2);
const load = createRequire(modules + "/");
const document = JSON.parse(execFileSync(program, { maxBuffer: 1 << 26 }));
const faults = [];
const check = (good, words) => { if (!good) faults.push(words); };

async function main() {
  const { Validator } = await import(pathToFileURL(load.resolve("@seriousme/openapi-schema-validator")).href);
  const judged = await new Validator().validate(document);
  check(judged.valid, "the document: " + JSON.stringify(judged.errors));
  check(document.openapi === "3.1.0", "its version");

  const Ajv = load("ajv/dist/2020").default, formats = load("ajv-formats").default;
  const ajv = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true, strictTypes: false, strictRequired: false });
  formats(ajv);
  ajv.addKeyword("components");
  ajv.addSchema({ $id: "doc", components: document.components });
  const of = (name) => ajv.compile({ $ref: `doc#/components/schemas/${name}` });
  for (const name of Object.keys(document.components.schemas)) of(name);

  const names = new Set();
  let operations = 0;
  for (const [path, item] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(item)) {
      ++operations;
      const where = `${method} ${path}`;
      check(!names.has(operation.operationId), where + ": its name is another's");
      names.add(operation.operationId);
      const slots = [...path.matchAll(/\{(\w+)\}/g)].map((m) => m[1]);
      const named = (operation.parameters || []).filter((p) => p.in === "path").map((p) => p.name);
      check(JSON.stringify(slots) === JSON.stringify(named), where + ": its path parameters");
      check(Boolean(operation.requestBody) === ["post", "put", "patch"].includes(method), where + ": a body where there is none, or none where there is one");
      check(Object.keys(operation.responses).some((s) => s.startsWith("2")), where + ": no success");
      check(operation.security.length === 0 || operation.responses["401"], where + ": no 401");
      check(operation.responses["429"], where + ": no 429");
      for (const [status, response] of Object.entries(operation.responses))
        if (Number(status) >= 400) check(response.content["application/problem+json"], `${where}: ${status} is no problem`);
    }

  const channel = { open_channel_id: "-1001", closed_channel_id: "-1002", tiers: [{ price_usd: "10.50", days: 30 }],
    payout: { currency: "usdt", network: "trx", address: "T1" } };
  const cases = [["NewChannel", channel, true], ["NewChannel", { ...channel, tiers: [] }, false], ["NewChannel", { ...channel, more: 1 }, false],
    ["NewChannel", { ...channel, tiers: Array(4).fill({ price_usd: "1", days: 1 }) }, false], ["NewChannel", { ...channel, open_channel_id: "x" }, false],
    ["NewTiers", { tiers: [{ price_usd: "-1", days: 1 }] }, false], ["NewTiers", { tiers: [{ price_usd: 1.5, days: "1" }] }, true],
    ["NewTiers", { tiers: [{ price_usd: "1e3", days: 1 }] }, false], ["NewBroadcast", { channel_id: "-1001", what: "offer" }, true],
    ["NewBroadcast", { channel_id: "-1001", what: "spam" }, false], ["ChannelChanges", {}, true], ["ChannelChanges", { owner_account: "x" }, false],
    ["Problem", { type: "about:blank", title: "t", status: 404, detail: "d", errors: [] }, true], ["Problem", { title: "t", status: 200 }, false]];
  for (const [name, value, good] of cases) check(of(name)(value) === good, `${name}: ${JSON.stringify(value)} should ${good ? "" : "not "}pass`);

  for (const words of faults) console.log(words);
  console.log(`${operations} operations, ${Object.keys(document.components.schemas).length} schemas, ${cases.length} bodies: ${faults.length} faults`);
  process.exit(faults.length || operations < 20 ? 1 : 0);
}
main();
