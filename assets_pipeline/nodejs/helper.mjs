// Serves glTF tools over stdin and stdout: one request, one answer, until stdin ends.
//
// usage: node helper.mjs NODE_MODULES
// A message is a line of JSON, {"op": ..., "bytes": n}, followed by n bytes. Answers: {"ok": true, "bytes": n, "result": ...}
// or {"ok": false, "error": ...}. Nothing else may be written to stdout.
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'x.js'));
const load = async (name) => import(pathToFileURL(require.resolve(name)).href);

process.stdout.on('error', () => process.exit(0));

let packer;

/** The glTF-Transform reader and writer with the extensions of our web files; loaded once. */
async function transform() {
  if (packer) return packer;
  const [core, extensions, functions, { MeshoptEncoder, MeshoptDecoder }] = await Promise.all(
    ['@gltf-transform/core', '@gltf-transform/extensions', '@gltf-transform/functions', 'meshoptimizer'].map(load));
  await Promise.all([MeshoptEncoder.ready, MeshoptDecoder.ready]);
  const known = [extensions.EXTMeshoptCompression, extensions.EXTTextureWebP, extensions.KHRMeshQuantization];
  const io = new core.NodeIO().setLogger(new core.Logger(core.Logger.Verbosity.ERROR))
    .registerExtensions(known)
    .registerDependencies({ 'meshopt.encoder': MeshoptEncoder, 'meshopt.decoder': MeshoptDecoder });
  packer = { io, extensions, functions, encoder: MeshoptEncoder };
  return packer;
}

/** The document in `glb`; the reader drops who made it, so that is put back. */
async function read(io, glb) {
  const document = await io.readBinary(glb);
  const json = Buffer.from(glb.buffer, glb.byteOffset + 20, new DataView(glb.buffer, glb.byteOffset).getUint32(12, true));
  document.getRoot().getAsset().generator = JSON.parse(json.toString()).asset.generator;
  return document;
}

/** Geometry quantised, reordered and compressed; textures stay as they are. */
async function pack(glb) {
  const { io, functions, encoder } = await transform();
  const document = await read(io, glb);
  await document.transform(functions.meshopt({
    encoder, level: 'medium', quantizePosition: 14, quantizeTexcoord: 14, quantizeNormal: 10,
  }));
  return { payload: await io.writeBinary(document) };
}

/** Geometry as plain floats again; textures stay as they are. */
async function unpack(glb) {
  const { io, extensions, functions } = await transform();
  const document = await read(io, glb);
  await document.transform(functions.dequantize());
  document.createExtension(extensions.EXTMeshoptCompression).dispose();
  return { payload: await io.writeBinary(document) };
}

async function validate(glb) {
  const validator = require('gltf-validator');
  const report = await validator.validateBytes(glb, {
    maxIssues: 100,
    externalResourceFunction: (uri) => Promise.reject(new Error(`external resource ${uri}`)),
  });
  const { numErrors, numWarnings, numInfos, numHints, messages } = report.issues;
  return { result: { errors: numErrors, warnings: numWarnings, infos: numInfos, hints: numHints, messages } };
}

const operations = { pack, unpack, validate };

async function answer({ op }, payload) {
  const done = await operations[op](new Uint8Array(payload));
  const bytes = Buffer.from(done.payload ?? []);
  return [{ ok: true, bytes: bytes.length, result: done.result ?? null }, bytes];
}

/** Yields [header, payload] for each request on `stream`. */
async function* requests(stream) {
  let pending = [], length = 0, header = null;
  for await (const chunk of stream) {
    pending.push(chunk);
    length += chunk.length;
    for (;;) {
      if (header === null) {
        const all = Buffer.concat(pending), end = all.indexOf(10);
        pending = [all];
        if (end < 0) break;
        header = JSON.parse(all.subarray(0, end).toString());
        pending = [all.subarray(end + 1)];
        length = pending[0].length;
      }
      if (length < header.bytes) break;
      const all = Buffer.concat(pending);
      yield [header, all.subarray(0, header.bytes)];
      pending = [all.subarray(header.bytes)];
      length = pending[0].length;
      header = null;
    }
  }
}

for await (const [header, payload] of requests(process.stdin)) {
  const [reply, bytes] = await answer(header, payload)
    .catch((error) => [{ ok: false, bytes: 0, error: String(error?.message ?? error) }, Buffer.alloc(0)]);
  process.stdout.write(JSON.stringify(reply) + '\n');
  process.stdout.write(bytes);
}
