import { QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { expectTrace, queryClient } from "./api/queries";
import { language } from "./base/locale";
import { traceOf } from "./state/router";
import "./styles/index.css";

document.documentElement.lang = language;

// A trace takes the server a moment, in which the rest of the page can be drawn.
const trace = traceOf(window.location.pathname);
if (trace) void expectTrace(trace);

createRoot(document.getElementById("root")!).render(
  <QueryClientProvider client={queryClient}>
    <App />
  </QueryClientProvider>,
);
