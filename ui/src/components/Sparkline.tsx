/** A line without axes, as high as a line of text; intervals without a value are gaps. */
export function Sparkline(props: {
  values: readonly (number | null)[];
  label: string;
  tone?: "error" | undefined;
  /** What the height stands for at least, so that next to nothing does not fill it. */
  least?: number;
  width?: number;
  height?: number;
}) {
  const { values, width = 96, height = 20, least = Number.MIN_VALUE } = props;
  const most = Math.max(...values.map((v) => v ?? 0), least);
  const x = (i: number) => (values.length < 2 ? 0 : (i / (values.length - 1)) * width);
  const y = (v: number) => height - 1.5 - (v / most) * (height - 3);
  let path = "";
  let pen = false;
  values.forEach((v, i) => {
    // A value between gaps is a dot.
    if (v !== null) path += `${pen ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}${pen ? "" : "h.1"}`;
    pen = v !== null;
  });
  return (
    <svg
      className={props.tone ? `sparkline ${props.tone}` : "sparkline"}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={props.label}
    >
      <path d={path} />
    </svg>
  );
}
