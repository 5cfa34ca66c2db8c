import type { Text } from "../en";
import { frame } from "./frame";
import { search } from "./search";
import { status } from "./status";
import { trace } from "./trace";
import { welcome } from "./welcome";

export const ja: Text = { ...frame, search, trace, welcome, status };
