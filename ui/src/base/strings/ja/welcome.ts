import type { Text } from "../en";

export const welcome: Text["welcome"] = {
  title: "最初のスパンを待っています",
  lead: "kiseki は動いていますが、まだスパンがありません。OpenTelemetry の SDK や Collector の送信先をここに向けるか、今すぐ curl で一つ送ってみてください。",
  listening: "OTLP の受信先",
  http: "HTTP",
  grpc: "gRPC",
  pick: "言語",
  arrived: "最初のスパンが届きました。",
  moving: "検索を開きます…",
  howTo: "トレースの送り方",
  leadMore: "OpenTelemetry の SDK や Collector の送信先をこの kiseki に向けてください。",
  environment: "OpenTelemetry SDK の設定",
  environmentHint:
    "どの言語の SDK もこの環境変数を読みます。最後の行のバージョンと環境を入れておくと、kiseki で比べられます。",
  languages: "最初のトレースまで",
  demo: "まず見てみる",
  try: "手元にアプリケーションがなければ、本物のトレースを送る小さな店を動かせます:",
};
