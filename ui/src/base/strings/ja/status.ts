import type { Text } from "../en";

export const status: Text["status"] = {
  title: "状態",
  version: "バージョン",
  started: "起動",
  spans: "保存中のスパン",
  disk: "ディスク使用量",
  perSpan: (bytes) => `1 スパンあたり ${bytes}`,
  segments: "セグメント",
  oldest: "最も古いスパン",
  newest: "最も新しいスパン",
  http: "OTLP over HTTP",
  grpc: "OTLP over gRPC",
  none: "まだありません",
  service: "サービス",
  errors: "エラー",
};
