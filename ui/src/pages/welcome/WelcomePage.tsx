import { useEffect, useState } from "react";
import { ApiError, unanswered } from "../../api/client";
import { useStatus } from "../../api/queries";
import type { Status } from "../../api/types";
import { text } from "../../base/strings";
import { CopyButton } from "../../components/CopyButton";
import { Logo } from "../../components/Header";
import { Failure, Loading, Notice } from "../../components/Notice";
import { navigate } from "../../state/router";
import { endpointsOf, environment, type Snippet, snippets } from "./snippets";

const POLL = 1000;
/** Milliseconds the good news stays before the search opens. */
const PAUSE = 1200;

function randomHex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (b) =>
    b.toString(16).padStart(2, "0"),
  ).join("");
}

/** How to send the first trace; opens the search by itself when one arrives, if there was none before. */
export default function WelcomePage() {
  const status = useStatus(POLL);
  // Kept, because each time kiseki is asked again there is no error for a moment.
  const [failed, setFailed] = useState<ApiError>();
  useEffect(() => {
    if (status.error instanceof ApiError) setFailed(status.error);
  }, [status.error]);
  if (status.data) return <Steps status={status.data} silent={unanswered(status.error)} />;
  if (!failed) return <Loading />;
  return (
    <main id="main" className="page">
      <Failure error={failed} onRetry={() => status.refetch()} />
    </main>
  );
}

/** `silent` says that kiseki, which did answer, does not at present. */
function Steps({ status, silent }: { status: Status; silent: boolean }) {
  const spans = status.spanCount;
  const [waited, setWaited] = useState(false);
  const arrived = waited && spans > 0;
  useEffect(() => {
    document.title = `${text.welcome.howTo} · ${text.product}`;
  }, []);
  useEffect(() => {
    if (spans === 0) setWaited(true);
  }, [spans]);
  useEffect(() => {
    if (!arrived) return;
    const timer = setTimeout(() => navigate("/search", { replace: true }), PAUSE);
    return () => clearTimeout(timer);
  }, [arrived]);
  const endpoints = endpointsOf(status.endpoints.otlpHttp, status.endpoints.otlpGrpc);
  const [list, setList] = useState<Snippet[]>([]);
  useEffect(() => {
    setList(
      snippets({ http: endpoints.http, grpc: endpoints.grpc }, BigInt(Date.now()) * 1_000_000n, randomHex),
    );
  }, [endpoints.http, endpoints.grpc]);
  return (
    <main id="main" className="page welcome-page">
      <div className={arrived ? "welcome-head arrived" : "welcome-head"} role="status">
        <Logo />
        <div>
          <h1>{arrived ? text.welcome.arrived : spans ? text.welcome.howTo : text.welcome.title}</h1>
          <p>{arrived ? text.welcome.moving : spans ? text.welcome.leadMore : text.welcome.lead}</p>
        </div>
      </div>
      {silent && <Notice>{text.common.unreachable}</Notice>}
      <dl className="endpoints">
        <dt>{text.welcome.listening}</dt>
        <dd>
          {text.welcome.http} <code>{endpoints.http}</code>
          <CopyButton value={endpoints.http} />
        </dd>
        <dd>
          {text.welcome.grpc} <code>{endpoints.grpc}</code>
          <CopyButton value={endpoints.grpc} />
        </dd>
      </dl>
      <h2>{text.welcome.environment}</h2>
      <p className="muted">{text.welcome.environmentHint}</p>
      <Code code={environment(endpoints)} />
      <h2>{text.welcome.languages}</h2>
      <Snippets list={list} />
      <h2>{text.welcome.demo}</h2>
      <p className="muted">{text.welcome.try}</p>
      <Code code="kiseki demo" />
    </main>
  );
}

function Snippets({ list }: { list: readonly Snippet[] }) {
  const [name, setName] = useState("curl");
  const shown = list.find((s) => s.name === name);
  return (
    <section className="snippets">
      <div className="tabs" role="tablist" aria-label={text.welcome.pick}>
        {list.map((s) => (
          <button
            type="button"
            role="tab"
            key={s.name}
            aria-selected={s.name === name}
            onClick={() => setName(s.name)}
          >
            {s.name}
          </button>
        ))}
      </div>
      {shown && <Code code={shown.code} />}
    </section>
  );
}

function Code({ code }: { code: string }) {
  return (
    <div className="code">
      <CopyButton value={code} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long lines are scrolled with the keyboard */}
      <pre tabIndex={0}>{code}</pre>
    </div>
  );
}
