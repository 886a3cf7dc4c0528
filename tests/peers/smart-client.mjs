/* A SMART app that is not ours (fhirclient), to launch against the practice EHR.

   It reads {"port": …, "client": …, "scope": …, "secret": … or "alg": …, "issuer": …} from standard input, prints one
   line when it listens, and ends when its input does. What it has learned comes out at /callback as JSON. */

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { exportJWK, generateKeyPair } from "jose";
import smart from "fhirclient";

const lines = createInterface({ input: process.stdin });
const given = JSON.parse((await lines[Symbol.asyncIterator]().next()).value);
process.stdin.on("end", () => process.exit(0));

const keys = [];
let jwk;
if (given.alg) {
  const pair = await generateKeyPair(given.alg, { extractable: true });
  const about = { kid: "foreign-1", alg: given.alg, use: "sig" };
  keys.push({ ...(await exportJWK(pair.publicKey)), ...about });
  jwk = { ...(await exportJWK(pair.privateKey)), ...about, key_ops: ["sign"] };
}

const kept = {}; // one browser
const storage = {
  get: async (key) => kept[key],
  set: async (key, value) => (kept[key] = value),
  unset: async (key) => key in kept && delete kept[key],
};

const options = {
  clientId: given.client,
  scope: given.scope,
  redirectUri: "/callback",
  pkceMode: "required",
  ...(given.secret ? { clientSecret: given.secret } : {}),
  ...(jwk ? { clientPrivateJwk: jwk } : {}),
};

async function learned(request, response) {
  const client = await smart(request, response, storage).ready();
  const patient = await client.patient.read();
  const before = client.state.tokenResponse.access_token;
  const { scope, refresh_token: renewable } = client.state.tokenResponse;
  const named = /\b(offline|online)_access\b/.test(scope); // it renews by the scope's name, and Epic does not name it
  const signs = !given.secret; // nor does it sign when it renews, so that a client with a key cannot
  const renewed = renewable && named && !signs ? await client.refresh() : client.state;
  return {
    patient: patient.id,
    family: patient.name[0].family,
    encounter: client.encounter.id,
    user: client.user.fhirUser,
    userType: client.user.resourceType,
    scope,
    renewable: Boolean(renewable),
    refreshed: renewed.tokenResponse.access_token !== before,
    again: (await client.patient.read()).id,
  };
}

createServer(async (request, response) => {
  const path = new URL(request.url, "http://localhost").pathname;
  const say = (status, body) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(body));
  };
  try {
    if (path === "/.well-known/jwks.json") say(200, { keys });
    else if (path === "/launch") await smart(request, response, storage).authorize(options);
    else if (path === "/start") await smart(request, response, storage).authorize({ ...options, iss: given.issuer });
    else if (path === "/callback") say(200, await learned(request, response));
    else say(404, {});
  } catch (problem) {
    if (!response.headersSent) say(500, { problem: String(problem.message ?? problem) });
  }
}).listen(given.port, "127.0.0.1", () => console.log("listening"));
