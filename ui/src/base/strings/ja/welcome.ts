import type { Text } from "../en";

export const welcome: Text["welcome"] = {
  title: "最初のスパンを待っています",
  lead: "kiseki は動いていますが、まだスパンがありません。OpenTelemetry の SDK や Collector の送信先をここに向けるか、今すぐ一つ送ってみてください:",
  listening: "OTLP の受信先",
  http: "HTTP",
  grpc: "gRPC",
  pick: "言語",
  arrived: "最初のスパンが届きました。",
  moving: "検索を開きます…",
  howTo: "トレースの送り方",
  leadMore:
    "OpenTelemetry の SDK や Collector の送信先をこの kiseki に向けるか、今すぐ一つ送ってみてください:",
  try: "手元にアプリケーションがなければ、本物のトレースを送る小さな店を動かせます:",
};
