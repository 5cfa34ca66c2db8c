// The UIs of other tools in front of kiseki, as a reverse proxy would put them there.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { Readable } from "node:stream";
import { base } from "./browser.mjs";

const types = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".svg": "image/svg+xml",
};

/**
 * Serves a folder of files, and index.html for every path that is no file's. Requests of which `isAPI` holds go
 * to kiseki. `fileOf` is the path of a file in the folder; `index` may change index.html. Returns the server and
 * its address.
 */
export async function startProxy({ dir, isAPI, fileOf, index = (html) => html }) {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url, base).pathname;
    if (isAPI(path)) {
      const answer = await fetch(base + request.url);
      response.writeHead(answer.status, { "Content-Type": answer.headers.get("Content-Type") });
      Readable.fromWeb(answer.body).pipe(response);
      return;
    }
    const type = types[extname(path)];
    const file = type ? normalize(fileOf(path)) : "/index.html";
    try {
      const body = await readFile(join(dir, file));
      response.writeHead(200, { "Content-Type": type ?? "text/html" });
      response.end(type ? body : index(String(body)));
    } catch {
      response.writeHead(404).end();
    }
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return { server, at: `http://127.0.0.1:${server.address().port}` };
}
