/* A SMART server that is not ours: an OpenID provider (oidc-provider) with the launch context of SMART App Launch 2.2.

   It reads {"port": …, "redirect": …, "jwks": our key set, "rotates": …} from standard input, prints one line when it
   listens, and ends when its input does. Rule: the protocol is the package's own; added here are the launch value, the
   members of the token answer, a FHIR base with one Patient and one ImagingStudy, and people who sign in by login_hint. */

import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import Provider, { errors } from "oidc-provider";

const lines = createInterface({ input: process.stdin });
const given = JSON.parse((await lines[Symbol.asyncIterator]().next()).value);
process.stdin.on("end", () => process.exit(0));

const issuer = `http://127.0.0.1:${given.port}`;
const base = `${issuer}/fhir`;
const launches = new Map(); // launch value -> what was open in the chart
const contexts = new Map(); // grant id -> launch context of the token answer

const PEOPLE = {
  doctor: { fhirUser: `${base}/Practitioner/doc-1`, name: "Dr Petra Exemplar" },
  role: { fhirUser: "PractitionerRole/role-1", name: "Dr Rolf Exemplar" },
  patient: { fhirUser: `${base}/Patient/p-1`, name: "Marisol Samplewright" },
  mother: { fhirUser: `${base}/RelatedPerson/rel-1`, name: "Inés Samplewright" },
};

const RECORDS = [
  {
    resourceType: "Patient",
    id: "p-1",
    name: [{ family: "Samplewright", given: ["Marisol"] }],
    birthDate: "1992-03-14",
    gender: "female",
  },
  { resourceType: "Practitioner", id: "doc-1", name: [{ text: "Dr Petra Exemplar" }] },
  ...["st-0", "st-1"].map((id) => ({
    resourceType: "ImagingStudy",
    id,
    status: "available",
    subject: { reference: "Patient/p-1" },
    started: "2026-11-03T09:20:00Z",
    description: `Study ${id}`,
  })),
  {
    resourceType: "ServiceRequest",
    id: "sr-1",
    status: "active",
    intent: "order",
    code: { text: "Outside reading" },
    subject: { reference: "Patient/p-1" },
    requester: { reference: "Practitioner/somebody-else" },
  },
];

const SCOPES = [
  ...["openid", "fhirUser", "profile", "offline_access", "online_access", "launch", "launch/patient"],
  ...["user/Patient.rs", "user/ImagingStudy.rs", "user/ServiceRequest.rs", "user/Practitioner.rs"],
  ...["patient/Patient.rs", "system/Patient.rs"],
];
const client = (id, method, more = {}) => ({
  client_id: id,
  redirect_uris: [given.redirect],
  grant_types: ["authorization_code", "refresh_token"],
  token_endpoint_auth_method: method,
  response_types: ["code"],
  ...more,
});

const provider = new Provider(issuer, {
  clients: [
    client("public", "none"),
    client("basic", "client_secret_basic", { client_secret: "a-secret-of-32-characters-or-more!" }),
    client("post", "client_secret_post", { client_secret: "a-secret-of-32-characters-or-more!" }),
    client("rs384", "private_key_jwt", { jwks: given.jwks, token_endpoint_auth_signing_alg: "RS384" }),
    client("es384", "private_key_jwt", { jwks: given.jwks, token_endpoint_auth_signing_alg: "ES384" }),
    {
      client_id: "backend",
      redirect_uris: [],
      response_types: [],
      grant_types: ["client_credentials"],
      token_endpoint_auth_method: "private_key_jwt",
      jwks: given.jwks,
      scope: "system/Patient.rs",
    },
  ],
  scopes: SCOPES,
  claims: { openid: ["sub"], fhirUser: ["fhirUser"], profile: ["name"] },
  conformIdTokenClaims: false,
  extraParams: {
    aud(_, value) {
      if (value !== base) throw new errors.InvalidRequest("aud is not this FHIR server");
    },
    launch(_, value) {
      if (value !== undefined && !launches.has(value)) throw new errors.InvalidRequest("this launch is not known");
    },
  },
  enableHttpPostMethods: true,
  pkce: { required: () => true },
  rotateRefreshToken: given.rotates,
  issueRefreshToken: () => true,
  features: {
    devInteractions: { enabled: false },
    introspection: { enabled: true, allowedPolicy: () => true },
    revocation: { enabled: true, allowedPolicy: () => true },
    clientCredentials: { enabled: true },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
  },
  enabledJWA: { clientAuthSigningAlgValues: ["RS384", "ES384"] },
  ttl: { AccessToken: 3600, AuthorizationCode: 60, IdToken: 300, Interaction: 600, Session: 600, Grant: 3600, RefreshToken: 3600, ClientCredentials: 300 },
  cookies: { keys: [randomBytes(16).toString("hex")], long: { sameSite: "none" } },
  jwks: given.signing,
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) }),
  loadExistingGrant,
});

/* Everybody agrees to what is asked: consent is not what is tried here. */
async function loadExistingGrant(ctx) {
  const { params, client: app, session } = ctx.oidc;
  const grant = new provider.Grant({ clientId: app.clientId, accountId: session.accountId });
  grant.addOIDCScope(params.scope);
  const id = await grant.save();
  const opened = launches.get(params.launch);
  const standalone = params.scope.split(" ").includes("launch/patient") ? { patient: "p-1" } : {};
  contexts.set(id, opened ? opened.context : standalone);
  launches.delete(params.launch); // good once
  return grant;
}

/* The launch context goes into the token answer, and into what introspection says. */
provider.use(async (ctx, next) => {
  await next();
  const { route, entities } = ctx.oidc ?? {};
  if (route === "token" && ctx.status === 200) {
    const from = entities.AuthorizationCode ?? entities.RefreshToken;
    Object.assign(ctx.body, contexts.get(from?.grantId));
  }
  if (route === "introspection" && ctx.body?.active) {
    const token = entities.AccessToken;
    Object.assign(ctx.body, contexts.get(token?.grantId), { fhirUser: PEOPLE[token?.accountId]?.fhirUser });
  }
});

provider.use(async (ctx, next) => {
  if (ctx.path === "/fhir/.well-known/smart-configuration") ctx.body = configuration();
  else if (ctx.path === "/ehr/launch") ctx.body = await opened(ctx);
  else if (ctx.path.startsWith("/interaction/")) await signIn(ctx);
  else if (ctx.path.startsWith("/fhir/")) await chart(ctx);
  else await next();
});

function configuration() {
  return {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    introspection_endpoint: "/token/introspection",
    revocation_endpoint: "../../token/revocation",
    token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "private_key_jwt"],
    token_endpoint_auth_signing_alg_values_supported: ["RS384", "ES384"],
    grant_types_supported: ["authorization_code", "client_credentials"],
    authorization_response_iss_parameter_supported: true,
    scopes_supported: SCOPES,
    response_types_supported: null,
    code_challenge_methods_supported: ["S256"],
    capabilities: [
      ...["launch-ehr", "launch-standalone", "authorize-post", "client-public", "client-confidential-symmetric"],
      ...["client-confidential-asymmetric", "sso-openid-connect", "context-ehr-patient", "context-ehr-encounter"],
      ...["context-standalone-patient", "context-banner", "context-style", "permission-offline", "permission-v2"],
    ],
  };
}

/* Press the button in the chart. `long` makes a launch value of that many characters. */
async function opened(ctx) {
  const asked = Object.fromEntries(new URLSearchParams(ctx.querystring));
  const launch = randomBytes(24).toString("base64url") + "x".repeat(Number(asked.long ?? 0));
  const context = {
    patient: "p-1",
    encounter: "e-1",
    need_patient_banner: "false",
    smart_style_url: `${base}/style.json`,
    fhirContext: [{ reference: "ImagingStudy/st-1" }, { reference: `${base}/ServiceRequest/sr-1`, role: "launch" }],
    tenant: "t-1",
    intent: "second-opinion",
    appointment: "ap-1",
  };
  launches.set(launch, { user: asked.user ?? "doctor", context });
  return { iss: base, launch };
}

/* Nobody types a password: the launch says who is there, or login_hint does. */
async function signIn(ctx) {
  const { params } = await provider.interactionDetails(ctx.req, ctx.res);
  const accountId = launches.get(params.launch)?.user ?? params.login_hint ?? "patient";
  ctx.respond = false;
  await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId } }, { mergeWithLastSubmission: false });
}

async function chart(ctx) {
  if (ctx.path === "/fhir/style.json") {
    ctx.set("Cache-Control", "max-age=300");
    ctx.body = { color_background: "#edeae3", color_highlight: "#69b5ce", dim_border_radius: "6px" };
    return;
  }
  const bearer = ctx.get("authorization").replace(/^Bearer /, "");
  const token = (await provider.AccessToken.find(bearer)) ?? (await provider.ClientCredentials.find(bearer));
  if (!token) {
    ctx.status = 401;
    return;
  }
  const [, , kind, id] = ctx.path.split("/");
  ctx.set("Content-Type", "application/fhir+json");
  const found = RECORDS.filter((one) => one.resourceType === kind && (id === undefined || one.id === id));
  if (id === undefined) ctx.body = { resourceType: "Bundle", type: "searchset", entry: found.map((resource) => ({ resource })) };
  else if (found.length) ctx.body = found[0];
  else ctx.status = 404;
}

provider.listen(given.port, "127.0.0.1", () => console.log("listening"));
