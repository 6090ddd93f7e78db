use super::*;

#[test]
fn errors_of_jobs_and_faults_name_line_and_column_and_what_would_be_right() {
    check(&[
        (
            "a job without tiles",
            NODE,
            "[[jobs]]\nname = 'j'\ntile_size = 10",
            "test.toml:3:1: a job needs the key `tiles`, such as `tiles = 1000`",
        ),
        (
            "no tiles",
            NODE,
            "[[jobs]]\nname = 'j'\ntiles = 0\ntile_size = 10\n",
            "test.toml:5:9: `tiles` is 0; it must be a whole number between 1 and 10000000",
        ),
        (
            "too many tiles",
            NODE,
            "[[jobs]]\nname = 'j'\ntiles = 10_000_001\ntile_size = 10\n",
            "test.toml:5:9: `tiles` is 10_000_001; it must be a whole number between 1 and 10000000",
        ),
        (
            "a size of three sides",
            NODE,
            "[[jobs]]\nname = 'j'\ntiles = 4\ntile_size = '10x10x10'\n",
            "test.toml:6:13: `tile_size` is '10x10x10'; it must be a number of pixels between 1 and 1e12, or a text such as \"1024x786\"",
        ),
        (
            "a size with a sign",
            NODE,
            "[[jobs]]\nname = 'j'\ntiles = 4\ntile_size = '+10x10'\n",
            "test.toml:6:13: `tile_size` is '+10x10'; it must be a number of pixels between 1 and 1e12, or a text such as \"1024x786\"",
        ),
        (
            "no size",
            NODE,
            "[[jobs]]\nname = 'j'\ntiles = 4\ntile_size = 0\n",
            "test.toml:6:13: `tile_size` is 0; it must be between 1 and 1e12",
        ),
        (
            "a formula of another variable",
            JOB,
            "complexity = 'n^2'",
            "test.toml:7:15: `complexity` is no formula: `n` is neither the variable `x` nor one of the functions log2, sqrt, min and max",
        ),
        (
            "an unfinished formula",
            JOB,
            "tile_bytes = \"3 *\"",
            "test.toml:7:18: `tile_bytes` is no formula: the formula ends where a number, `x`, a function or `(` should be",
        ),
        (
            "a formula with an escape",
            JOB,
            "complexity = \"x\\u002An\"",
            "test.toml:7:14: `complexity` is no formula: `n` is neither the variable `x` nor one of the functions log2, sqrt, min and max",
        ),
        (
            "a formula that is a boolean",
            JOB,
            "complexity = true",
            "test.toml:7:14: `complexity` is a boolean; it must be a formula in x, such as \"x^2\"",
        ),
        (
            "a formula without a value",
            JOB,
            "complexity = 'log2(x-10)'",
            "test.toml:7:14: `complexity` gives -inf for x = 10; it must be between 0 and 1e18",
        ),
        (
            "a negative number of bytes",
            JOB,
            "partial_bytes = '8 - x'",
            "test.toml:7:17: `partial_bytes` gives -2 for x = 10; it must be between 0 and 1e9",
        ),
        (
            "an unknown priority",
            JOB,
            "priority = 'urgent'",
            "test.toml:7:12: `priority` is `urgent`, which there is not; known: low, normal, high",
        ),
        (
            "two jobs of a name",
            JOB,
            "[[jobs]]\nname = 'j'\ntiles = 4\ntile_size = 10\n",
            "test.toml:8:8: the job `j` is there already, since line 4; names must differ",
        ),
        (
            "a time as a date",
            JOB,
            "at_ms = 2020-01-01",
            "test.toml:7:9: `at_ms` is a date; it must be a number between 0 and 3.1536e10",
        ),
        (
            "a time beyond a year",
            JOB,
            "at_ms = 1e12",
            "test.toml:7:9: `at_ms` is 1e12; it must be between 0 and 3.1536e10",
        ),
        (
            "a fault without a kind",
            FAULT,
            "node = 'a'",
            "test.toml:7:1: a fault needs the key `kind`, such as `kind = \"kill\"`",
        ),
        (
            "an unknown kind",
            FAULT,
            "kind = 'crash'\nnode = 'a'",
            "test.toml:8:8: `kind` is `crash`, which there is not; known: kill, pause, slow, partition, join, link, panic, poison",
        ),
        (
            "a key of another kind",
            FAULT,
            "kind = 'pause'\nnode = 'a'\nrestart_after_ms = 5",
            "test.toml:10:1: a fault `pause` has no key `restart_after_ms`; known: kind, at_ms, node, duration_ms",
        ),
        (
            "a fault without a node",
            FAULT,
            "kind = 'kill'",
            "test.toml:7:1: a fault `kill` needs the key `node`, such as `node = \"fast\"`",
        ),
        (
            "an unknown node",
            FAULT,
            "kind = 'kill'\nnode = 'b'",
            "test.toml:9:8: `node` is `b`, which there is not; known: a",
        ),
        (
            "the name of a drawn node's entry",
            "",
            "[[nodes]]\nname = 'edge'\ncount = 20\n[[faults]]\nkind = 'kill'\nnode = 'edge'",
            "test.toml:6:8: `node` is `edge`, which there is not; did you mean `edge-1`? known: edge-1, edge-2, edge-3, edge-4, edge-5, edge-6, edge-7, edge-8, edge-9, edge-10 and 10 more",
        ),
        (
            "an unknown job",
            FAULT,
            "kind = 'panic'\njob = 'k'\ntile = 0\nround = 1",
            "test.toml:9:7: `job` is `k`, which there is not; known: j",
        ),
        (
            "a tile that the job has not",
            FAULT,
            "kind = 'panic'\njob = 'j'\ntile = 4\nround = 1",
            "test.toml:10:8: `tile` is 4; it must be a whole number between 0 and 3",
        ),
        (
            "a round that the job has not",
            FAULT,
            "kind = 'poison'\njob = 'j'\ntile = 0\nround = 0",
            "test.toml:11:9: `round` is 0; it must be a whole number between 1 and 1",
        ),
        (
            "a time where none counts",
            FAULT,
            "kind = 'panic'\nat_ms = 1\njob = 'j'\ntile = 0\nround = 1",
            "test.toml:9:1: a fault `panic` has no key `at_ms`; known: kind, job, tile, round",
        ),
        (
            "a probability above 1",
            FAULT,
            "kind = 'link'\nnode = 'a'\nloss = 1.01",
            "test.toml:10:8: `loss` is 1.01; it must be between 0 and 1",
        ),
        (
            "a factor of 0",
            FAULT,
            "kind = 'slow'\nnode = 'a'\nfactor = 0",
            "test.toml:10:10: `factor` is 0; it must be between 0.001 and 1000",
        ),
        (
            "a direction that is none",
            FAULT,
            "kind = 'partition'\nnode = 'a'\ndirection = 'up'\nduration_ms = 1",
            "test.toml:10:13: `direction` is `up`, which there is not; known: both, in, out",
        ),
        (
            "no time at all",
            FAULT,
            "kind = 'pause'\nnode = 'a'\nduration_ms = 0",
            "test.toml:10:15: `duration_ms` is 0; it must be between 0.001 and 3.1536e10",
        ),
        (
            "a node that joins twice",
            FAULT,
            "kind = 'join'\nnode = 'a'\n[[faults]]\nkind = 'join'\nnode = 'a'",
            "test.toml:10:1: the node `a` joins already at line 7; it can join once",
        ),
    ]);
}
