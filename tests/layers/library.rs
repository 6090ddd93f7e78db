//! The rooms of the crate `msvpu`: which may name which, and that one alone knows the web.

use crate::scan::Target;
use crate::source::{Source, Tree};

/// Each room of the library and the other rooms that it may name, from the ground up.
const ROOMS: [(&str, &[&str]); 6] = [
    ("scene", &[]),
    ("raster", &["scene"]),
    ("services", &["scene"]),
    ("arrays", &["scene", "services"]),
    ("report", &["scene", "raster", "services"]),
    ("serving", &["scene", "raster", "services", "report"]),
];

/// The only room that knows REST.
const WEB_ROOM: &str = "serving";
const WEB_CRATE: &str = "msvpu_web";

/// All rules for the library; the binary in the same folder is another crate, and stands on top of it.
pub(crate) fn check(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for source in &tree.sources {
        let Some(room) = source.module.first() else {
            continue;
        };
        if room == "cli" {
            continue;
        }
        let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| name == room) else {
            found.push(format!(
                "{}: is in no room of the library; say in tests/layers/library.rs and in ARCHITECTURE.md what it may name",
                source.path
            ));
            continue;
        };
        imports(tree, source, room, allowed, &mut found);
    }
    found
}

fn imports(tree: &Tree, source: &Source, own: &str, allowed: &[&str], found: &mut Vec<String>) {
    for leaf in tree.references(source) {
        let at = format!("{}:{}", source.path, leaf.line);
        let path = match leaf.target {
            Target::Internal(path) => path,
            Target::External(path) => {
                if own != WEB_ROOM && path.first().is_some_and(|of| of == WEB_CRATE) {
                    found.push(format!(
                        "{at}: names `{}`; only {WEB_ROOM} knows the web",
                        path.join("::")
                    ));
                }
                continue;
            }
        };
        let is_room = |name: &String| ROOMS.iter().any(|(room, _)| room == name);
        // Behind a flat name of the root stands the room where it lives.
        let home = match path.first() {
            Some(name) if !is_room(name) => tree.exports.get(name),
            _ => Some(&path),
        };
        let home = home.and_then(|home| home.first());
        if let Some(home) = home.filter(|home| is_room(home))
            && home != own
            && !allowed.contains(&home.as_str())
        {
            found.push(format!(
                "{at}: {own} names `crate::{}` of {home}; it may name {}",
                path.join("::"),
                listed(allowed)
            ));
        }
    }
}

fn listed(rooms: &[&str]) -> String {
    match rooms {
        [] => "no other room".to_owned(),
        rooms => rooms.join(", "),
    }
}
