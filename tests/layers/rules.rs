//! The rules of the house. Each takes files and gives what is against it, one line each.

use crate::scan::Target;
use crate::source::{Source, Tree};

/// A file that passes this wants to be two.
const MAX_LINES: usize = 400;

struct Floor {
    number: u8,
    name: &'static str,
    /// Modules, each with all that is below it.
    rooms: &'static [&'static str],
}

/// Of `actors/src`, from the ground up; a file imports from its own floor and those below.
const FLOORS: [Floor; 5] = [
    Floor {
        number: 1,
        name: "pure: no actor, no broker, no clock, no randomness",
        rooms: &[
            "catalog", "caught", "core", "error", "id", "job", "payload", "program",
        ],
    },
    Floor {
        number: 2,
        name: "wire: all that may cross a process",
        rooms: &["message", "wire"],
    },
    Floor {
        number: 3,
        name: "link: the ways of messages, the places of work",
        rooms: &[
            "clock", "compute", "host", "journal", "link", "random", "work",
        ],
    },
    Floor {
        number: 4,
        name: "actors: thin shells around floor 1",
        rooms: &["actor"],
    },
    Floor {
        number: 5,
        name: "machine: composition, and the public handles",
        rooms: &[
            "cluster",
            "deployment",
            "event_loop",
            "handle",
            "local",
            "machine",
            "simulation",
        ],
    },
];

/// Crates that floor 1 may not name.
const IMPURE_CRATES: [&str; 14] = [
    "actix",
    "actix_rt",
    "actix_web",
    "async_std",
    "chrono",
    "fastrand",
    "futures_timer",
    "getrandom",
    "jiff",
    "lapin",
    "rand",
    "rand_core",
    "tokio",
    "tokio_util",
];

/// Words that read a clock or draw a random number.
const IMPURE_WORDS: [&str; 8] = [
    "Instant",
    "SystemTime",
    "UNIX_EPOCH",
    "RandomState",
    "now_v1",
    "now_v6",
    "now_v7",
    "new_v4",
];

/// What the type of a `static` may be made of: nothing that could change.
const CONSTANT_TYPES: [&str; 19] = [
    "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64",
    "i128", "isize", "f32", "f64", "Duration", "static",
];

fn floor_of(module: &[String]) -> Option<&'static Floor> {
    let room = module.first()?;
    FLOORS
        .iter()
        .find(|floor| floor.rooms.contains(&room.as_str()))
}

/// All rules for the crate of the machine.
pub(crate) fn machine(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for source in &tree.sources {
        lapin_outside_the_bridge(tree, source, &mut found);
        // The root only names the rooms; it is on no floor.
        if source.module.is_empty() {
            continue;
        }
        let Some(floor) = floor_of(&source.module) else {
            found.push(unplaced(source));
            continue;
        };
        upward_imports(tree, source, floor, &mut found);
        if floor.number == 1 {
            impurities(tree, source, &mut found);
        }
        if floor.number <= 3 {
            unwraps(source, &mut found);
        }
    }
    found
}

fn unplaced(source: &Source) -> String {
    let floors: Vec<String> = FLOORS
        .iter()
        .map(|floor| {
            let Floor {
                number,
                name,
                rooms,
            } = floor;
            format!("\n      {number} ({name}): {}", rooms.join(", "))
        })
        .collect();
    format!(
        "{}: is on no floor. Put it into a room below, or give its module a place in FLOORS of \
         tests/layers/rules.rs and in ARCHITECTURE.md:{}",
        source.path,
        floors.concat()
    )
}

fn upward_imports(tree: &Tree, source: &Source, own: &Floor, found: &mut Vec<String>) {
    for leaf in tree.references(source) {
        let Target::Internal(path) = leaf.target else {
            continue;
        };
        let at = format!("{}:{}", source.path, leaf.line);
        let shown = format!("crate::{}", path.join("::"));
        // Behind a flat name of the root stands the room where it lives.
        let home = match path.first() {
            Some(name) if floor_of(&path).is_none() => tree.exports.get(name),
            _ => Some(&path),
        };
        match home.and_then(|home| floor_of(home)) {
            Some(floor) if floor.number <= own.number => {}
            Some(floor) => found.push(format!(
                "{at}: floor {} names `{shown}` of floor {} ({}); only floors at or below its own are allowed",
                own.number, floor.number, floor.name
            )),
            None => found.push(format!(
                "{at}: `{shown}` is in no room of a floor; name the module where it lives"
            )),
        }
    }
}

fn impurities(tree: &Tree, source: &Source, found: &mut Vec<String>) {
    for leaf in tree.references(source) {
        if let Target::External(path) = leaf.target
            && let Some(first) = path.first()
            && IMPURE_CRATES.contains(&first.as_str())
        {
            found.push(format!(
                "{}:{}: floor 1 names `{}`; keep it pure and let an actor (floor 4) do this",
                source.path,
                leaf.line,
                path.join("::")
            ));
        }
    }
    for token in &source.tokens {
        if IMPURE_WORDS.contains(&token.text.as_str()) {
            found.push(format!(
                "{}:{}: floor 1 names `{}`; take the time or the random number as an argument",
                source.path, token.line, token.text
            ));
        }
    }
}

fn lapin_outside_the_bridge(tree: &Tree, source: &Source, found: &mut Vec<String>) {
    if source
        .module
        .starts_with(&["actor".into(), "bridge".into()])
    {
        return;
    }
    for leaf in tree.references(source) {
        if let Target::External(path) = leaf.target
            && path.first().is_some_and(|first| first == "lapin")
        {
            found.push(format!(
                "{}:{}: names `{}`; only actor/bridge speaks to the broker",
                source.path,
                leaf.line,
                path.join("::")
            ));
        }
    }
}

fn unwraps(source: &Source, found: &mut Vec<String>) {
    for pair in source.tokens.windows(2) {
        if pair[0].text == "unwrap" && pair[1].text == "(" {
            found.push(format!(
                "{}:{}: `unwrap` on a floor below the actors; return a typed error",
                source.path, pair[0].line
            ));
        }
    }
}

/// Services of a whole process, and statics that could hold state: through them two machines would meet.
pub(crate) fn singletons(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for source in &tree.sources {
        for (at, token) in source.tokens.iter().enumerate() {
            let before = at.checked_sub(1).map_or("", |i| &source.tokens[i].text);
            let what = match token.text.as_str() {
                "SystemService" | "ArbiterService" | "SystemRegistry" | "ArbiterRegistry"
                | "thread_local" | "lazy_static" => token.text.clone(),
                // Not the lifetime.
                "static" if before != "'" && !is_allocator(source, at) => {
                    match changeable(source, at) {
                        Some(part) => format!("static with `{part}`"),
                        None => continue,
                    }
                }
                _ => continue,
            };
            found.push(format!(
                "{}:{}: {what} is shared by every machine of the process; keep it in the machine, or make it a `const`",
                source.path, token.line
            ));
        }
    }
    found
}

/// The allocator can be nothing else than a static; it is for the binary to choose.
fn is_allocator(source: &Source, at: usize) -> bool {
    let before = at.checked_sub(2).map(|i| source.tokens[i].text.as_str());
    source.path == "src/main.rs" && before == Some("global_allocator")
}

/// The first part of a static's type that is not plain, unchanging data.
fn changeable(source: &Source, at: usize) -> Option<&str> {
    let mut words = source.tokens[at + 1..]
        .iter()
        .map(|token| token.text.as_str());
    let first = words.next()?;
    if first == "mut" {
        return Some(first);
    }
    words
        .take_while(|text| !matches!(*text, "=" | ";"))
        .filter(|text| text.starts_with(|c: char| c.is_alphabetic()))
        .find(|text| !CONSTANT_TYPES.contains(text))
}

/// `anyhow` outside of the binary and its command line: a library's errors are typed.
pub(crate) fn untyped_errors(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for source in &tree.sources {
        if source.path == "src/main.rs" || source.path.starts_with("src/cli") {
            continue;
        }
        for token in source.tokens.iter().filter(|token| token.text == "anyhow") {
            found.push(format!(
                "{}:{}: `anyhow` is for the binary; a library's errors are typed (thiserror)",
                source.path, token.line
            ));
        }
    }
    found
}

/// Names of shipped programs in the crate that serves any program.
pub(crate) fn program_names(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for source in &tree.sources {
        for token in &source.tokens {
            let text = token.text.to_lowercase();
            for name in ["classification", "cmeans", "c-means"] {
                // A docstring has become a literal too, but it binds nothing.
                if text.contains(name) && !text.contains(' ') {
                    found.push(format!(
                        "{}:{}: `{}`: web knows no program by name; ask the catalog",
                        source.path, token.line, token.text
                    ));
                    break;
                }
            }
        }
    }
    found
}

/// A file that wants to be two.
pub(crate) fn too_long(path: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > MAX_LINES)
        .then(|| format!("{path}: {lines} lines, more than {MAX_LINES}; it wants to be two files"))
}
