// A first job with the Node client: node first_job.js [HOST:PORT]
'use strict';

const {JobServiceClient} = require('@google-cloud/aiplatform').v1;
const {credentials} = require('@grpc/grpc-js');

async function main([endpoint = '127.0.0.1:8080']) {
  const [apiEndpoint, port] = endpoint.split(':');
  const client = new JobServiceClient({apiEndpoint, port: Number(port), sslCreds: credentials.createInsecure()});
  const containerSpec = {imageUri: 'debian:12', command: ['sh', '-c', 'echo hello']};
  let [job] = await client.createCustomJob({
    parent: 'projects/demo/locations/us-central1',
    customJob: {displayName: 'hello-node', jobSpec: {workerPoolSpecs: [{replicaCount: 1, containerSpec}]}},
  });
  while (!job.endTime) {
    await new Promise(resolve => setTimeout(resolve, 100));
    [job] = await client.getCustomJob({name: job.name});
  }
  console.log(job.name, job.state);
  await client.close();
}

main(process.argv.slice(2)).catch(error => {
  console.error(error);
  process.exit(1);
});
