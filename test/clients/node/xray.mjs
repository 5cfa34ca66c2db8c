// Traces with the AWS X-Ray SDK for Node.js what TestXRay asks for: node
// xray.mjs DAEMON. The modules are those of the working directory.
import http from "node:http";
import { createRequire } from "node:module";

const daemon = process.argv[2];
const AWSXRay = createRequire(`${process.cwd()}/`)("aws-xray-sdk-core");
AWSXRay.setLogger({ error: console.error, warn: console.error, info() {}, debug() {} });
AWSXRay.setDaemonAddress(daemon);
const sampler = AWSXRay.middleware;
sampler.setDefaultName("node-shop");

const backend = http.createServer((_, res) => res.end("hello"));
const front = http.createServer((req, res) => {
  // What the SDK's middleware for Express does.
  const header = AWSXRay.utils.processTraceData(req.headers["x-amzn-trace-id"]);
  const segment = new AWSXRay.Segment("node-shop", header.root, header.parent);
  sampler.resolveSampling(header, segment, res);
  segment.addIncomingRequestData(new sampler.IncomingRequestData(req));
  segment.setUser("user-9");
  segment.addAnnotation("customer", "c-17");
  segment.addAnnotation("items", 3);
  segment.addAnnotation("express", true);
  segment.addMetadata("lines", [{ sku: "<a&b>", price: 2.5 }], "cart");
  const ns = AWSXRay.getNamespace();
  ns.run(() => {
    AWSXRay.setSegment(segment);
    try {
      AWSXRay.captureFunc("charge", () => {
        throw new RangeError("card declined");
      });
    } catch {}
    const sql = segment.addNewSubsegment("shop@db.example");
    sql.addSqlData(new (class { constructor() { Object.assign(this, { database_type: "Postgres", user: "app", sanitized_query: "SELECT * FROM cart WHERE id = $1" }); } })());
    sql.namespace = "remote";
    sql.close();
    AWSXRay.captureHTTPs(http).get(`http://127.0.0.1:${backend.address().port}/stock?sku=1`, (answer) => {
      answer.resume();
      answer.on("end", () => {
        res.statusCode = 429;
        res.end("slow down");
        segment.http.close(res);
        segment.addErrorFlag();
        segment.addThrottleFlag();
        segment.close();
      });
    });
  });
});

const ask = () =>
  new Promise((done) => {
    const headers = { "User-Agent": "clients-test", "X-Forwarded-For": "203.0.113.9" };
    http.get({ port: front.address().port, host: "127.0.0.1", path: "/cart?id=7", headers }, (res) => {
      res.resume();
      res.on("end", () => setTimeout(done, 500)); // datagrams leave, rules are asked for beside
    });
  });

backend.listen(0, "127.0.0.1", () =>
  front.listen(0, "127.0.0.1", async () => {
    await ask(); // before the rules are known
    await ask();
    process.exit(0);
  }),
);
