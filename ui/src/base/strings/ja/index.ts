import type { Text } from "../en";
import { frame } from "./frame";
import { map } from "./map";
import { overview } from "./overview";
import { query } from "./query";
import { search } from "./search";
import { service } from "./service";
import { status } from "./status";
import { trace } from "./trace";
import { welcome } from "./welcome";

export const ja: Text = { ...frame, overview, map, query, search, service, trace, welcome, status };
