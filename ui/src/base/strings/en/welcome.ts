export const welcome = {
  title: "Waiting for the first span",
  lead: "kiseki is running and has no spans yet. Point any OpenTelemetry SDK or Collector at it, or send one span right now with curl.",
  listening: "Listening for OTLP at",
  http: "HTTP",
  grpc: "gRPC",
  pick: "Language",
  arrived: "The first span has arrived.",
  moving: "Opening the search…",
  howTo: "How to send traces",
  leadMore: "Point any OpenTelemetry SDK or Collector at this kiseki.",
  environment: "What an OpenTelemetry SDK needs",
  environmentHint:
    "SDKs of every language read these. The version and the environment of the last line let kiseki compare them.",
  languages: "From nothing to the first trace",
  demo: "Or have a look around",
  try: "No application at hand? This starts a small shop that sends real traces:",
};
