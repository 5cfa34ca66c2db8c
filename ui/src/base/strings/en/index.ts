import { frame } from "./frame";
import { search } from "./search";
import { status } from "./status";
import { trace } from "./trace";
import { welcome } from "./welcome";

export const en = { ...frame, search, trace, welcome, status };

/** The shape that every language fills. */
export type Text = typeof en;
