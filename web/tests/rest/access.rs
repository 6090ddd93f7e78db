//! Who may do what, and under which names the server answers: the whole table.

use std::collections::BTreeSet;
use std::net::TcpListener;

use msvpu_actors::VirtualMachine;
use msvpu_web::{Engine, EngineConfig, Server, ServerError, Services};
use serde_json::Value;
use std::sync::Arc;

use crate::api::{Api, token};
use crate::shout::TextReader;

const ID: &str = "0190f0a0-0000-7000-8000-000000000000";

/// What is answered to a request without a body: without a token, with an unknown one, and with each scope.
/// `401` and `403` are of the rules; everything else means that the request was let pass.
#[rustfmt::skip]
const TABLE: &[(&str, &str, [u16; 5])] = &[
    // method, route                               none unknown read submit admin
    ("POST",   "/api/v1/uploads",                  [401, 401, 403, 415, 415]),
    ("GET",    "/api/v1/uploads/{id}",             [401, 401, 404, 404, 404]),
    ("DELETE", "/api/v1/uploads/{id}",             [401, 401, 403, 404, 404]),
    ("POST",   "/api/v1/jobs",                     [401, 401, 403, 415, 415]),
    ("GET",    "/api/v1/jobs",                     [401, 401, 200, 200, 200]),
    ("GET",    "/api/v1/jobs/{id}",                [401, 401, 404, 404, 404]),
    ("DELETE", "/api/v1/jobs/{id}",                [401, 401, 403, 404, 404]),
    ("POST",   "/api/v1/jobs/{id}/cancel",         [401, 401, 403, 404, 404]),
    ("GET",    "/api/v1/jobs/{id}/events",         [401, 401, 404, 404, 404]),
    ("GET",    "/api/v1/jobs/{id}/iterations",     [401, 401, 404, 404, 404]),
    ("GET",    "/api/v1/jobs/{id}/team",           [401, 401, 404, 404, 404]),
    ("GET",    "/api/v1/jobs/{id}/artifacts",      [401, 401, 404, 404, 404]),
    ("GET",    "/api/v1/jobs/{id}/artifacts/{name}", [401, 401, 404, 404, 404]),
    ("GET",    "/api/v1/jobs/{id}/report.html",    [401, 401, 404, 404, 404]),
    ("GET",    "/api/v1/services",                 [401, 401, 200, 200, 200]),
    ("GET",    "/api/v1/services/{name}",          [401, 401, 404, 404, 404]),
    ("GET",    "/api/v1/nodes",                    [401, 401, 200, 200, 200]),
    ("GET",    "/api/v1/whoami",                   [401, 401, 200, 200, 200]),
    ("GET",    "/metrics",                         [401, 401, 403, 403, 200]),
    ("GET",    "/healthz",                         [200, 200, 200, 200, 200]),
    ("GET",    "/readyz",                          [200, 200, 200, 200, 200]),
    ("GET",    "/openapi.json",                    [200, 200, 200, 200, 200]),
    ("GET",    "/docs",                            [308, 308, 308, 308, 308]),
    ("GET",    "/docs/{path}",                     [404, 404, 404, 404, 404]),
    ("GET",    "/",                                [200, 200, 200, 200, 200]),
    ("GET",    "/assets/{path}",                   [404, 404, 404, 404, 404]),
];

/// All methods that somebody may try; the table has those that there are.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

fn described(api: &Api) -> BTreeSet<(String, String)> {
    let document = api.get("/openapi.json").json();
    let paths = document["paths"].as_object().unwrap();
    let operations = |(path, item): (&String, &Value)| {
        let methods: Vec<_> = item
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
            .collect();
        methods
            .into_iter()
            .map(|method| (method, path.clone()))
            .collect::<Vec<_>>()
    };
    paths.iter().flat_map(operations).collect()
}

fn expected(method: &str, route: &str, who: usize) -> u16 {
    let has = |method: &str| TABLE.iter().find(|row| (row.0, row.1) == (method, route));
    let row = has(method).or_else(|| has("GET").filter(|_| method == "HEAD"));
    match row {
        Some((.., statuses)) => statuses[who],
        // Below the API nobody is told anything without a token; what changes something needs more than to read.
        None if route.starts_with("/api/") && who < 2 => 401,
        None if route.starts_with("/api/") && who == 2 && !matches!(method, "GET" | "HEAD") => 403,
        None => 405,
    }
}

#[test]
fn every_route_lets_pass_whom_it_should() {
    let server = Api::start_with_tokens();
    let rows: BTreeSet<_> = TABLE
        .iter()
        .map(|row| (row.0.to_owned(), row.1.to_owned()))
        .collect();
    assert_eq!(
        described(&server),
        rows,
        "the table is to have a row for each route"
    );

    let unknown = "msvpu_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let tokens = [
        None,
        Some(unknown.to_owned()),
        Some(token("eve")),
        Some(token("ann")),
        Some(token("root")),
    ];
    let routes: BTreeSet<_> = TABLE.iter().map(|row| row.1).collect();
    let mut wrong = Vec::new();
    for route in routes {
        let path = route
            .replace("{id}", ID)
            .replace("{name}", "none")
            .replace("{path}", "none");
        for method in METHODS {
            for (who, token) in tokens.iter().enumerate() {
                let api = server.with_token(token.clone().unwrap_or_default());
                let body: Option<&[u8]> = matches!(method, "POST" | "PUT" | "PATCH").then_some(b"");
                let answer = match token {
                    Some(_) => api.send(method, &path, &[], body),
                    None => server.send(method, &path, &[], body),
                };
                let status = answer.status;
                if status != expected(method, route, who) {
                    wrong.push(format!("{method} {route}, {who}: {status}"));
                }
                if status >= 400 && method != "HEAD" {
                    assert_eq!(answer.header("content-type"), "application/problem+json");
                }
                assert_eq!(
                    status == 401,
                    answer.header("www-authenticate").starts_with("Bearer") && status != 403
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn tokens_are_taken_from_their_header_only() {
    let server = Api::start_with_tokens();
    let secret = token("ann");
    let path = "/api/v1/whoami";
    for (header, status) in [
        (format!("Bearer {secret}"), 200),
        (format!("bearer  {secret} "), 200),
        (secret.clone(), 401),
        (format!("Basic {secret}"), 401),
        (format!("Bearer {secret}x"), 401),
        (format!("Bearer {}", &secret[..secret.len() - 1]), 401),
        ("Bearer".to_owned(), 401),
        ("Bearer ".to_owned(), 401),
    ] {
        let answer = server.get_with(path, &[("Authorization", &header)]);
        assert_eq!(answer.status, status, "{header}");
        assert!(!answer.text().contains(&secret));
    }
    for query in ["token", "access_token"] {
        server
            .get(&format!("{path}?{query}={secret}"))
            .problem("unauthenticated");
    }
    // The path may be written in other ways.
    for path in [
        "/%61pi/v1/jobs",
        "/api/v1/%6Aobs",
        "/api/v1//jobs",
        "/api/v1/jobs/",
        "//api/v1/jobs",
    ] {
        let status = server.get(path).status;
        assert!(status == 401 || status == 404, "{path}: {status}");
    }
}

#[test]
fn a_small_scope_is_told_what_it_lacks() {
    let server = Api::start_with_tokens();
    let eve = server.with_token(token("eve"));
    let answer = eve.send("POST", "/api/v1/uploads", &[], Some(b"text:"));
    let problem = answer.problem("insufficient-scope");
    assert!(problem.detail.contains("submit"), "{problem:?}");
    assert!(
        answer
            .header("www-authenticate")
            .contains("insufficient_scope")
    );
}

#[test]
fn names_and_origins_are_checked_on_all_routes_and_methods() {
    let server = Api::start_with(|setup| setup.hosts = vec!["scenes.example".to_owned()]);
    let port = server.address.port();
    let own = format!("http://localhost:{port}");
    let foreign = format!("http://evil.example:{port}");
    for (_, route, _) in TABLE {
        let path = route
            .replace("{id}", ID)
            .replace("{name}", "none")
            .replace("{path}", "none");
        for method in METHODS {
            let ask = |headers: &str| {
                let answer = server.raw(
                    format!("{method} {path} HTTP/1.1\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes(),
                );
                answer[9..12].parse::<u16>().unwrap()
            };
            let at = |host: &str, origin: Option<&str>| match origin {
                Some(origin) => ask(&format!("Host: {host}\r\nOrigin: {origin}\r\n")),
                None => ask(&format!("Host: {host}\r\n")),
            };
            let local = format!("localhost:{port}");
            let plain = at(&local, None);
            assert!(![403, 421].contains(&plain), "{method} {path}: {plain}");
            assert_eq!(at(&local, Some(&own)), plain, "{method} {path}");
            assert_eq!(at("scenes.example", Some("https://scenes.example")), plain);
            assert_eq!(at(&local, Some(&foreign)), 403, "{method} {path}");
            assert_eq!(at(&local, Some("null")), 403, "{method} {path}");
            assert_eq!(
                at(&format!("evil.example:{port}"), None),
                421,
                "{method} {path}"
            );
        }
    }
}

#[test]
fn no_page_of_another_site_is_answered() {
    let server = Api::start();
    let own = server.url("");
    let preflight = [
        ("Origin", own.as_str()),
        ("Access-Control-Request-Method", "POST"),
    ];
    let answer = server.send("OPTIONS", "/api/v1/jobs", &preflight, None);
    assert_eq!(answer.status, 405);
    for answer in [answer, server.get_with("/api/v1/jobs", &[("Origin", &own)])] {
        let mut names = answer.headers.keys().map(|name| name.as_str());
        assert!(names.all(|name| !name.starts_with("access-control-")));
    }
}

#[test]
fn without_tokens_only_this_machine_is_served() {
    actix_web::rt::System::new().block_on(async {
        let data = tempfile::TempDir::new().unwrap();
        let machine = VirtualMachine::local().workers(1).start().await.unwrap();
        let config = EngineConfig::new(data.path().join("data"));
        let reader = Arc::new(TextReader);
        let engine = Engine::open(config, machine.clone(), Services::default(), reader)
            .await
            .unwrap();
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let error = Server::new(listener, engine.clone()).start().unwrap_err();
        assert!(matches!(error, ServerError::NoTokens(_)), "{error}");
        assert!(error.to_string().contains("--token-file"), "{error}");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Server::new(listener, engine.clone()).allowed_hosts(["http://x"]);
        let error = server.start().unwrap_err();
        assert!(matches!(error, ServerError::Host(_)), "{error}");
        engine.close().await;
        machine.shutdown().await;
    });
}
