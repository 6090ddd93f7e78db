//! Who may ask a server for what, as its client is told.

use crate::jobs::{id, verbs};
use crate::server::Server;
use crate::{Pictures, command, msvpu};

#[test]
fn who_has_no_token_is_told_how_to_show_one() {
    let pictures = Pictures::new();
    let tokens = pictures.name("tokens");
    let [ann, bob, reader] = ["ann", "bob", "reader"].map(|name| {
        let scope = if name == "reader" { "read" } else { "submit" };
        let made = msvpu(["token", name, "--scope", scope, "--token-file", &tokens]);
        let path = pictures.write(name, made.stdout().as_bytes());
        path.to_str().unwrap().to_owned()
    });
    let wrong = pictures.write("wrong", b"msvpu_wrong\n");
    let wrong = wrong.to_str().unwrap();
    let mut serve = crate::server::command(&pictures.path("data"));
    let server = Server::of(serve.args(["--token-file", &tokens]));
    let gray = pictures.gray();
    let gray = gray.to_str().unwrap();
    let classify = ["classify", gray, "--classes", "2", "--quiet"];
    let at = |args: &[&str], token: Option<&str>| {
        let mut args = args.to_vec();
        args.extend(["--server", &server.url]);
        if let Some(token) = token {
            args.extend(["--token-file", token]);
        }
        msvpu(args)
    };
    for (token, words) in [
        (None, "there is no token"),
        (Some(wrong), "nobody here knows this token"),
    ] {
        for line in verbs() {
            let mut args = vec!["jobs"];
            args.extend(line.split(' '));
            at(&args, token).told(2, &[words, "MSVPU_TOKEN", "--token-file"]);
        }
        at(&classify, token).told(2, &[words, "MSVPU_TOKEN", "--token-file"]);
    }
    at(&["jobs", "list"], Some("/no/such")).told(2, &["/no/such"]);
    at(&["jobs", "list"], Some(gray)).told(2, &["gray.png"]);
    at(&classify, Some(&reader)).told(2, &["submit", "the token has read"]);
    at(&classify, Some(&ann)).stdout();
    // Another's job is not there.
    let list = |token: &str| at(&["jobs", "list", "--json"], Some(token)).json();
    let id = id(&list(&ann)[0]);
    assert_eq!(list(&bob), serde_json::json!([]));
    at(&["jobs", "show", &id], Some(&bob)).told(2, &["there is no job"]);
    // A variable is as good, and so is one that names the file.
    let secret = std::fs::read_to_string(&ann).unwrap();
    for (name, value) in [
        ("MSVPU_TOKEN", secret.trim_end()),
        ("MSVPU_TOKEN_FILE", &*ann),
    ] {
        let shown = command(["jobs", "show", &id, "--json"])
            .env(name, value)
            .env("MSVPU_SERVER", &server.url)
            .output()
            .unwrap();
        assert!(shown.status.success(), "{shown:?}");
    }
    server.end();
}
