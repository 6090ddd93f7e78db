/** What a team did over time, made ready to be drawn and read. */

export const KINDS = ["compute", "wait", "transfer"];
const COMPUTE = 0;
const WAIT = 1;
const TRANSFER = 2;

/**
 * @typedef {object} Stint what an MsVPU did in a round
 * @property {number} round its place in `rounds`
 * @property {number} node
 * @property {[number, number, number]} sums milliseconds of each kind
 * @property {[number, number, number][]} parts kind, begin and end, one after the other
 *
 * @typedef {{rank: number, node: number | null, stints: (Stint | null)[], sums: [number, number, number]}} Lane
 * @typedef {{round: number | null, began: number, ended: number | null}} Round `round` is null after the last
 *
 * @typedef {object} Times
 * @property {number} teamSize
 * @property {number} stride
 * @property {Round[]} rounds
 * @property {Lane[]} lanes by node and rank
 * @property {{node: number | null, first: number, count: number}[]} groups lanes of one node
 * @property {[number, number, number]} sums
 * @property {number} from
 * @property {number} to
 */

/**
 * The clocks of nodes are not compared: nobody knows how much of a transfer was on the way out and how much on the way
 * back, and so half of it is drawn on either side.
 *
 * @param {any} answer `GET jobs/{id}/team` @returns {Times}
 */
export function prepare({ team_size: teamSize, stride, rounds: told }) {
  const rounds = told.map(({ round, began_ms: began, ended_ms: ended }) => ({ round, began, ended }));
  const size = told[0]?.node.length ?? 0;
  /** @type {Lane[]} */
  const lanes = Array.from({ length: size }, (_, index) => ({
    rank: index * stride,
    node: null,
    stints: [],
    sums: [0, 0, 0],
  }));
  const sums = [0, 0, 0];
  let to = rounds.at(-1)?.began ?? 0;
  for (const [place, of] of told.entries()) {
    const next = rounds[place + 1]?.began ?? of.ended_ms;
    for (const [index, lane] of lanes.entries()) {
      const node = of.node[index] ?? null;
      if (node === null) {
        lane.stints.push(null);
        continue;
      }
      const stint = stintOf(of, index, place, node, next);
      lane.node = node;
      lane.stints.push(stint);
      for (const kind of [COMPUTE, WAIT, TRANSFER]) {
        lane.sums[kind] += stint.sums[kind];
        sums[kind] += stint.sums[kind];
      }
      to = Math.max(to, stint.parts.at(-1)[2]);
    }
  }
  lanes.sort((a, b) => (a.node ?? Infinity) - (b.node ?? Infinity) || a.rank - b.rank);
  const groups = [];
  for (const [index, lane] of lanes.entries()) {
    const last = groups.at(-1);
    if (last && last.node === lane.node) last.count += 1;
    else groups.push({ node: lane.node, first: index, count: 1 });
  }
  return { teamSize, stride, rounds, lanes, groups, sums, from: rounds[0]?.began ?? 0, to };
}

/** @returns {Stint} */
function stintOf(of, index, place, node, next) {
  const arrived = of.arrived_ms[index];
  const waited = of.waited_ms[index];
  const computed = of.computed_ms[index];
  const kept = of.kept_ms[index];
  const way = Math.max(0, arrived - waited - computed - kept) / 2;
  // Until all have answered, and the leader gives the next order.
  const rest = next === null ? 0 : Math.max(0, next - of.began_ms - arrived);
  const sums = [0, 0, 0];
  const parts = [];
  let at = of.began_ms;
  for (const [kind, ms] of [
    [TRANSFER, way],
    [WAIT, waited],
    [COMPUTE, computed],
    [WAIT, kept],
    [TRANSFER, way],
    [WAIT, rest],
  ]) {
    parts.push([kind, at, at + ms]);
    sums[kind] += ms;
    at += ms;
  }
  return { round: place, node, sums, parts };
}

/** The name of a round. @param {Round} round */
export const roundName = ({ round }) => (round === null ? "Assembling" : `Round ${round}`);

/** All of it, for a spreadsheet. @param {Times} times @param {(node: number) => string} nameOf */
export function tableText({ rounds, lanes }, nameOf) {
  const head = ["rank", "node", "round", "began_ms", "compute_ms", "wait_ms", "transfer_ms"];
  const rows = lanes.flatMap(({ rank, stints }) =>
    stints.filter(Boolean).map(({ round, node, sums }) => {
      const { began } = rounds[round];
      const name = rounds[round].round ?? "assembling";
      return [rank, nameOf(node), name, began, ...sums.map((ms) => Number(ms.toFixed(4)))];
    }),
  );
  return [head, ...rows].map((cells) => cells.join("\t")).join("\n");
}
