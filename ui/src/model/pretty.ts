// SQL and JSON laid out for reading. Only white space outside of quotes changes.

const TOKEN =
  /('(?:[^']|'')*'?|"(?:[^"]|"")*"?|`[^`]*`?|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|([A-Za-z_@$#][\w@$#]*)|([(),;])|(\s+)|([^\s(),;'"`A-Za-z_@$#]+)/g;

/** Words that begin a clause, with those that may follow them in it. */
const CLAUSE =
  /^(SELECT|FROM|WHERE|GROUP BY|ORDER BY|HAVING|LIMIT|OFFSET|VALUES|SET|RETURNING|UNION|UNION ALL|EXCEPT|INTERSECT|INSERT INTO|UPDATE|DELETE FROM|WITH|ON CONFLICT|ON DUPLICATE KEY|WINDOW|FETCH|FOR UPDATE|((NATURAL )?(LEFT|RIGHT|FULL|INNER|CROSS)( OUTER)? )?JOIN)$/;
const LONGEST_CLAUSE = 4;

/** The statement with a line for each clause and condition; subqueries are indented. */
export function formatSql(sql: string): string {
  const found = [...sql.matchAll(TOKEN)].filter((m) => m[0].trim());
  const tokens = found.map((m) => m[0]);
  const spaced = (i: number) => /\s/.test(sql[found[i]!.index - 1] ?? "");
  const lines: string[] = [];
  let line = "";
  /** For each open parenthesis, whether it holds a subquery. */
  const open: boolean[] = [];
  let between = false;
  const depth = () => open.filter(Boolean).length;
  const push = (extra = 0) => {
    if (line.trim()) lines.push(line.trimEnd());
    line = "  ".repeat(depth() * 2 + extra);
  };
  const add = (token: string) => {
    const tight = !line.trim() || /[(.]$/.test(line) || /^[),;.]/.test(token) || token.startsWith("::");
    line += tight ? token : ` ${token}`;
  };
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!;
    const clause = open.at(-1) === false ? 0 : clauseLength(tokens, i);
    if (clause > 0) {
      push();
      for (const word of tokens.slice(i, i + clause)) add(word);
      i += clause - 1;
    } else if (/^(AND|OR)$/i.test(token) && open.at(-1) !== false && !between) {
      push(1);
      add(token);
    } else if (token === "(") {
      const subquery = /^(SELECT|WITH)$/i.test(tokens[i + 1] ?? "");
      line += line.trim() && spaced(i) ? ` ${token}` : token;
      open.push(subquery);
    } else if (token === ")") {
      if (open.pop()) push();
      line += token;
    } else {
      add(token);
      if (token.startsWith("--") || token === ";") push();
    }
    if (/^BETWEEN$/i.test(token)) between = true;
    else if (/^AND$/i.test(token)) between = false;
  }
  push();
  return lines.join("\n");
}

/** How many tokens from `at` are the words of a clause's beginning; 0 if none is. */
function clauseLength(tokens: readonly string[], at: number): number {
  for (let n = LONGEST_CLAUSE; n > 0; n--) {
    if (
      CLAUSE.test(
        tokens
          .slice(at, at + n)
          .join(" ")
          .toUpperCase(),
      )
    )
      return n;
  }
  return 0;
}

/** The JSON text of an object or array indented; undefined if the text is none. Numbers keep their digits. */
export function formatJson(text: string): string | undefined {
  const trimmed = text.trim();
  if (!/^[{[][\s\S]*[}\]]$/.test(trimmed)) return undefined;
  try {
    JSON.parse(trimmed);
  } catch {
    return undefined;
  }
  let depth = 0;
  const newline = () => `\n${"  ".repeat(depth)}`;
  return [...trimmed.matchAll(/"(?:[^"\\]|\\.)*"|[{[]\s*[}\]]|[{}[\],:]|[^\s{}[\],:"]+/g)]
    .map(([token]) => {
      if (token === "{" || token === "[") {
        depth++;
        return token + newline();
      }
      if (token === "}" || token === "]") {
        depth--;
        return newline() + token;
      }
      if (token === ",") return token + newline();
      if (token === ":") return ": ";
      return /^[{[]/.test(token) ? token.replace(/\s+/g, "") : token;
    })
    .join("");
}

const SQL_KEYS = /^(db\.query\.text|db\.statement|sql\.query)$/;
const SQL_TEXT = /^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|MERGE|CREATE|ALTER)\b/i;

/** A text attribute laid out, where it is SQL or JSON and that makes a difference. */
export function prettyText(key: string, value: string): string | undefined {
  const pretty = SQL_KEYS.test(key) && SQL_TEXT.test(value) ? formatSql(value) : formatJson(value);
  return pretty?.includes("\n") && pretty !== value ? pretty : undefined;
}
