import { text } from "../../base/strings";
import { Link } from "../../components/Header";
import { Icon } from "../../components/Icon";
import type { Finding } from "../../model/findings";
import { say } from "./say";

/** How it goes in sentences, what is wrong first, with what to do about it. */
export function Findings({ findings }: { findings: readonly Finding[] }) {
  return (
    <ul className="findings" aria-label={text.status.say.title}>
      {findings.map((finding) => {
        const { sentence, advice } = say(finding);
        const wrong = finding.tone === "warn" || finding.tone === "bad";
        return (
          <li key={finding.kind + sentence} className={finding.tone}>
            {wrong ? <Icon name="warning" /> : <i className="dot" />}
            <span>
              {sentence}
              {advice && (
                <small>{finding.kind === "quiet" ? <Link to="/welcome">{advice}</Link> : advice}</small>
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
