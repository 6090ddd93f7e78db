//! `msvpu token`: what it prints, and what it keeps.

use sha2::{Digest, Sha256};

use crate::{Pictures, msvpu};

fn digest(token: &str) -> String {
    let digest = Sha256::digest(token);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_token_is_printed_once_and_kept_as_its_digest() {
    let folder = Pictures::new();
    let file = folder.name("tokens");
    let ann = msvpu(["token", "ann", "--token-file", &file]).stdout();
    let scope = ["--scope", "read"];
    let args = [&["token", "c.i-1@x_y", "--token-file", &file], &scope[..]].concat();
    let robot = msvpu(args).stdout();
    assert_ne!(ann, robot);
    let tokens = [(&ann, "ann:submit"), (&robot, "c.i-1@x_y:read")];
    let lines = tokens.map(|(token, who)| {
        let token = token.strip_suffix('\n').unwrap();
        assert!(token.starts_with("msvpu_"), "{token}");
        assert!(!token.contains('\n'), "{token}");
        format!("{who}:{}\n", digest(token))
    });
    assert_eq!(std::fs::read_to_string(&file).unwrap(), lines.concat());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn without_a_file_the_line_for_it_is_on_stderr() {
    let made = msvpu(["token", "ann", "--scope", "admin"]);
    assert_eq!(made.status, 0);
    let token = made.stdout.strip_suffix('\n').unwrap();
    let line = format!("ann:admin:{}\n", digest(token));
    assert!(made.stderr.ends_with(&line), "{}", made.stderr);
}

#[test]
fn a_line_that_was_not_ended_stays_a_line() {
    let folder = Pictures::new();
    // As editors of some people leave it.
    let earlier = format!("bob:read:{}", digest("a"));
    let file = folder.write("tokens", earlier.as_bytes());
    let file = file.to_str().unwrap();
    let token = msvpu(["token", "ann", "--token-file", file]).stdout();
    let line = format!("ann:submit:{}", digest(token.trim_end()));
    let text = std::fs::read_to_string(file).unwrap();
    assert_eq!(text, format!("{earlier}\n{line}\n"));
}

#[test]
fn names_and_scopes_that_cannot_be() {
    let folder = Pictures::new();
    let file = folder.name("tokens");
    let long = "x".repeat(65);
    for (name, scope, words) in [
        ("", "read", "expected 1 to 64 letters"),
        ("a:b", "read", "`a:b`: expected 1 to 64 letters"),
        ("ann lee", "read", "expected 1 to 64 letters"),
        (&*long, "read", "expected 1 to 64 letters"),
        ("ann", "root", "read, submit, admin"),
    ] {
        let made = msvpu(["token", name, "--scope", scope, "--token-file", &file]);
        assert_eq!((made.status, &*made.stdout), (2, ""), "{}", made.stderr);
        assert_eq!(made.stderr.lines().count(), 1, "{}", made.stderr);
        assert!(made.stderr.contains(words), "{}", made.stderr);
    }
    assert!(!folder.path("tokens").exists());
    let nowhere = folder.name("none/tokens");
    let made = msvpu(["token", "ann", "--token-file", &nowhere]);
    assert_eq!((made.status, &*made.stdout), (2, ""));
    assert!(made.stderr.contains(&nowhere), "{}", made.stderr);
}
