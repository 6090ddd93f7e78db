/** Numbers as people write them into a form, and back. */

/** @returns {number} `NaN` for what is none */
export function parseNumber(text) {
  const words = text.trim().replace(/^\+/, "").replace("−", "-");
  return /^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(words) ? Number(words) : Number.NaN;
}

/** Numbers between spaces, commas or semicolons. @returns {number[]} */
export const parseList = (text) =>
  text
    .split(/[\s,;]+/)
    .filter(Boolean)
    .map(parseNumber);

/** A list a line; of one line, `;` also ends a row. @returns {number[][]} */
export function parseRows(text) {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const rows = lines.flatMap((line) =>
    line
      .split(";")
      .map((row) => row.trim())
      .filter(Boolean),
  );
  return rows.map(parseList);
}

export const formatRows = (rows) => rows.map((row) => row.join(", ")).join("\n");
