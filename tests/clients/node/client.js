/* The official Node client, unmodified, over plaintext. Arguments: grpc or rest (its own fallback), and the address. */
'use strict';

const assert = require('assert');
const {JobServiceClient} = require('@google-cloud/aiplatform').v1;
const {credentials} = require('@grpc/grpc-js');
const {OAuth2Client} = require('google-auth-library');

const PARENT = 'projects/p/locations/us-central1';
const DEADLINE_MS = 120000;
const ENDED = ['JOB_STATE_SUCCEEDED', 'JOB_STATE_FAILED', 'JOB_STATE_CANCELLED'];
const NOT_FOUND = 5;

const [kind, address] = process.argv.slice(2);
const say = text => console.log(`ok node ${kind}: ${text}`);

function makeClient() {
  const [host, port] = address.split(':');
  const options = {apiEndpoint: host, port: Number(port)};
  if (kind === 'grpc') return new JobServiceClient({...options, sslCreds: credentials.createInsecure()});
  const authClient = new OAuth2Client();
  authClient.setCredentials({access_token: 'any'});
  return new JobServiceClient({...options, protocol: 'http', fallback: true, authClient});
}

function shellJob(displayName, script) {
  const containerSpec = {imageUri: 'debian:12', command: ['sh', '-c', script]};
  return {displayName, jobSpec: {workerPoolSpecs: [{replicaCount: 1, containerSpec}]}};
}

async function create(client, displayName, script) {
  const [job] = await client.createCustomJob({parent: PARENT, customJob: shellJob(displayName, script)});
  return job;
}

async function waitUntil(client, name, states) {
  const deadline = Date.now() + DEADLINE_MS;
  let job;
  do {
    [job] = await client.getCustomJob({name});
    if (states.includes(job.state)) return job;
    await new Promise(resolve => setTimeout(resolve, 50));
  } while (Date.now() < deadline);
  throw new Error(`${name} is ${job.state} after ${DEADLINE_MS} ms`);
}

async function main() {
  const client = makeClient();

  let works = await create(client, 'node-works', 'echo hello');
  works = await waitUntil(client, works.name, ENDED);
  assert.strictEqual(works.state, 'JOB_STATE_SUCCEEDED');
  say('create, wait, SUCCEEDED');

  let fails = await create(client, 'node-fails', 'exit 9');
  fails = await waitUntil(client, fails.name, ENDED);
  assert.strictEqual(fails.state, 'JOB_STATE_FAILED');
  assert.strictEqual(fails.error.code, 3);
  assert.match(fails.error.message, /non-zero status of 9/);
  say('a failing job tells its error');

  let sleeps = await create(client, 'node-sleeps', 'sleep 600');
  await waitUntil(client, sleeps.name, ['JOB_STATE_RUNNING']);
  await client.cancelCustomJob({name: sleeps.name});
  sleeps = await waitUntil(client, sleeps.name, ENDED);
  assert.strictEqual(sleeps.state, 'JOB_STATE_CANCELLED');
  assert.strictEqual(sleeps.error.code, 1);
  say('cancel ends in CANCELLED');

  const [listed] = await client.listCustomJobs({parent: PARENT, filter: 'display_name:"node-*"', pageSize: 2});
  assert.ok(listed.map(job => job.name).includes(works.name));
  const [operation] = await client.deleteCustomJob({name: works.name});
  await operation.promise();
  await assert.rejects(client.getCustomJob({name: works.name}), error => error.code === NOT_FOUND);
  say('list, delete, NOT_FOUND');
  await client.close();
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
