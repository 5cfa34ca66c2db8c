/** How a figure differs from before, beside it; the title says what it was. Empty where it hardly does. */
export function Delta(props: { children: string; title?: string | undefined; tone?: string | undefined }) {
  return (
    <span className={props.tone ? `delta ${props.tone}` : "delta"} title={props.title}>
      {props.children}
    </span>
  );
}
