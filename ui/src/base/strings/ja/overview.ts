import { formatCount } from "../../format";
import type { Text } from "../en";

export const overview: Text["overview"] = {
  title: "サービス",
  columns: {
    service: "サービス",
    rate: "レート",
    errors: "エラー率",
    p50: "p50",
    p95: "p95",
    p99: "p99",
    time: "時間の割合",
  },
  entry:
    "集計の対象は入口スパンです。サービスが応答したリクエスト、受信したメッセージ、ジョブなど自ら開始した処理を数えます。サンプリングされたスパンは、代表する数だけ数えます。",
  timeHint: "入口スパン全体の所要時間に占める割合。",
  sparks: {
    rate: (service) => `${service} のレートの推移`,
    errors: (service) => `${service} のエラー率の推移`,
    p95: (service) => `${service} の p95 の推移`,
  },
  filter: "サービスを絞り込む",
  against: "比較対象",
  times: { hour: "1 時間前", day: "1 日前", week: "1 週間前" },
  was: (value, when) => `${when}は ${value}`,
  points: (n) => `${n} pt`,
  changes: "変化",
  nothing: (when) => `${when}と比べて目立つ変化はありません。`,
  noBase: (when) => `${when}のデータがないため、比較できません。`,
  more: (count) => `ほか ${formatCount(count)} 件`,
  fewer: "減らす",
  change: {
    new: (rate) => `新規、${rate}`,
    gone: (rate) => `消失、以前は ${rate}`,
    errors: (before, now) => `エラー率 ${before} → ${now}`,
    latency: (before, now) => `p95 ${before} → ${now}`,
    rate: (before, now) => `レート ${before} → ${now}`,
  },
  better: "改善",
  count: (shown, all) => (shown === all ? `${formatCount(all)} サービス` : `${all} サービス中 ${shown}`),
  noneFits: "名前が一致するサービスはありません。",
  clear: "すべて表示",
  noEntry: "入口スパンなし",
  noEntryHint:
    "この期間にスパンはありますが、種別が server か consumer のもの、親のないものがありません。計装で種別が設定されていない可能性があります。",
  goneRow: "この期間はなし",
  empty: "この期間にスパンはありません。",
  partial: (why) => `一部のスパンだけの集計です: ${why}`,
};
