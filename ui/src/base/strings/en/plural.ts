import { formatCount } from "../../format";

/** "1 span", "12.4k spans". */
export const plural = (count: number, one: string, many: string) =>
  `${formatCount(count)} ${count === 1 ? one : many}`;
