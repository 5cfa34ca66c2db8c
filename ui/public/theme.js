// Sets the theme before the first paint. It is a file of its own because the content security policy
// allows no inline script; src/state/theme.ts owns the preference afterwards.
(() => {
  let choice = "system";
  try {
    choice = localStorage.getItem("kiseki.theme") || "system";
  } catch {
    // Storage may be forbidden; the system's theme is used then.
  }
  const dark =
    choice === "dark" || (choice === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
