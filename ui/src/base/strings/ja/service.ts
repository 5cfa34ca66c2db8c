import type { Text } from "../en";

export const service: Text["service"] = {
  search: "トレースを検索",
  charts: {
    label: "レート、エラー、レイテンシー",
    rate: "レート",
    errors: "エラー率",
    latency: "レイテンシー",
    ok: "成功",
    failed: "失敗",
  },
  none: "この期間に、このサービスの入口スパンはありません",
  noneHint: "リクエストがなかったか、この名前のサービスがありません。",
  overview: "サービス一覧",
};
