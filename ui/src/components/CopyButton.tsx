import { useEffect, useState } from "react";
import { text } from "../base/strings";
import { Icon } from "./Icon";

/** Copies a text; works without the clipboard permission too, which plain HTTP does not give. */
export async function copyText(value: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(value);
  } catch {
    const area = document.createElement("textarea");
    area.value = value;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

/** A button that copies and says so. */
export function CopyButton({ value, label }: { value: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const name = copied ? text.common.copied : (label ?? text.common.copy);
  return (
    <button
      type="button"
      className={copied ? "ghost copy done" : "ghost copy"}
      title={name}
      aria-label={name}
      onClick={() => copyText(value).then(() => setCopied(true))}
    >
      <Icon name={copied ? "check" : "copy"} />
    </button>
  );
}
