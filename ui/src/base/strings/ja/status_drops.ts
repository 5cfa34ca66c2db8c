import type { Text } from "../en";

export const drops: Text["status"]["drops"] = {
  malformed: {
    what: "リクエストを拒否: 形式が不正",
    do: "送信元の不具合か、別のデータがこのポートに届いています。",
  },
  unsupported: {
    what: "リクエストを拒否: パス・メソッド・コンテントタイプの誤り",
    do: "送信元の宛先とプロトコルを、上の受信アドレスと照らし合わせてください。",
  },
  too_large: {
    what: "リクエストを拒否: サイズ超過",
    do: "送信元のバッチを小さくするか、limits.request-bytes と limits.decompressed-bytes を上げてください。",
  },
  overloaded: {
    what: "リクエストに再送を要求: 処理中のデータが上限",
    do: "送信元は自動で再送します。続くなら limits.memory か limits.in-flight-bytes を上げてください。",
  },
  unavailable: {
    what: "リクエストに再送を要求: ストアが受け付けられない",
    do: "送信元は自動で再送します。ディスクの空き不足、メモリーの書き出し待ち、または停止処理中でした。",
  },
  failed: { what: "リクエストが失敗 (保存されていません)", do: "サーバーのログを確認してください。" },
  canceled: {
    what: "リクエストを送信元が中断",
    do: "送信元のタイムアウトが短いか、サーバーが混んでいます。",
  },
  invalid_span: {
    what: "スパンを拒否: ID が不正",
    do: "送信元のトレース ID かスパン ID の長さが違うか、すべてゼロです。",
  },
  too_many_attributes: {
    what: "属性を破棄: 数の上限",
    do: "スパンの属性を減らすか、limits.attributes を上げてください。",
  },
  attribute_key_too_long: {
    what: "属性を破棄: キーが長すぎる",
    do: "キーは 1 KiB までです。値は値に入れてください。",
  },
  too_many_events: {
    what: "イベントを破棄: 数の上限",
    do: "数を減らすか、limits.events を上げてください。",
  },
  too_many_links: {
    what: "リンクを破棄: 数の上限",
    do: "数を減らすか、limits.events を上げてください。",
  },
  invalid_link: { what: "リンクを破棄: ID が不正", do: "送信元が正しい ID のないリンクを作っています。" },
  value_too_long: {
    what: "値を切り詰め: 長すぎる",
    do: "短くするか、limits.value-bytes を上げてください。",
  },
  name_too_long: { what: "名前・メッセージを切り詰め: 長すぎる", do: "4 KiB までです。" },
  invalid_utf8: { what: "文字列を修復: UTF-8 ではない", do: "送信元が文字列にバイト列を入れています。" },
};
