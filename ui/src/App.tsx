import { lazy, Suspense, useEffect, useMemo, useState } from "react";
import { useServices, useStatus } from "./api/queries";
import { knowServices, knowsNoService } from "./base/color";
import { text } from "./base/strings";
import { Boundary } from "./components/Boundary";
import { Header, Link } from "./components/Header";
import { Empty, Loading } from "./components/Notice";
import { traceOf, useLocation } from "./state/router";

/** Milliseconds that the first page waits for the names of the services at most; their colours may change after. */
const PATIENCE = 1000;

// A page's code is read when it is first opened.
const OverviewPage = lazy(() => import("./pages/overview/OverviewPage"));
const MapPage = lazy(() => import("./pages/map/MapPage"));
const SearchPage = lazy(() => import("./pages/search/SearchPage"));
const ServicePage = lazy(() => import("./pages/service/ServicePage"));
const StatusPage = lazy(() => import("./pages/status/StatusPage"));
const TracePage = lazy(() => import("./pages/trace/TracePage"));
const WelcomePage = lazy(() => import("./pages/welcome/WelcomePage"));

/** The frame and the page that the path names. */
export function App() {
  const services = useServices();
  // While rendering, because the page that is drawn next already uses the colours.
  useMemo(() => services.data && knowServices(services.data.map((s) => s.name)), [services.data]);
  // Decided once: a page is not taken away again because the services are asked for once more.
  const [waiting, setWaiting] = useState(knowsNoService);
  const asked = !services.isPending || services.failureCount > 0;
  useEffect(() => {
    const timer = setTimeout(() => setWaiting(false), asked ? 0 : PATIENCE);
    return () => clearTimeout(timer);
  }, [asked]);
  const { path } = useLocation();
  return (
    <>
      <Header />
      {waiting && !asked ? (
        <Loading />
      ) : (
        <Boundary place={path}>
          <Suspense fallback={<Loading />}>
            <Page />
          </Suspense>
        </Boundary>
      )}
    </>
  );
}

function Page() {
  const { path } = useLocation();
  const trace = traceOf(path);
  if (trace) return <TracePage traceId={trace} />;
  const service = /^\/service\/([^/]*)$/.exec(path);
  if (service) return <ServicePage key={service[1]} name={nameOf(service[1]!)} />;
  if (path === "/map") return <MapPage />;
  if (path === "/search") return <SearchPage />;
  if (path === "/status") return <StatusPage />;
  if (path === "/welcome") return <WelcomePage />;
  if (path === "/") return <Start />;
  return <NoPage />;
}

function NoPage() {
  useEffect(() => {
    document.title = `${text.notFound.title} · ${text.product}`;
  }, []);
  return (
    <main id="main" className="page">
      <Empty title={text.notFound.title}>
        <p>{text.notFound.hint}</p>
        <div className="actions">
          <Link className="button" to="/search">
            {text.notFound.link}
          </Link>
        </div>
      </Empty>
    </main>
  );
}

/** A name as the path spells it; one that is not well formed is taken as it is. */
function nameOf(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The first page: how to send spans while there are none, else the overview. */
function Start() {
  const status = useStatus();
  // Decided once: the welcome page itself sees the first span and says so before it moves on.
  const [waiting, setWaiting] = useState<boolean>();
  // A server that does not answer is told about by the overview.
  const failed = status.failureCount > 0;
  useEffect(() => {
    if (status.data || failed) setWaiting((old) => old ?? status.data?.spanCount === 0);
  }, [status.data, failed]);
  if (waiting === undefined) return <Loading />;
  return waiting ? <WelcomePage /> : <OverviewPage />;
}
