//! What browsers get.

use crate::api::Api;

#[test]
fn the_dashboard_is_served_with_its_rules() {
    let api = Api::start();
    let page = api.get("/");
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy");
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "connect-src 'self'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(rule), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("cache-control"), "no-cache");
    let tag = page.header("etag");
    let again = api.get_with("/", &[("If-None-Match", tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    // A browser puts the headers of this answer in the place of those that it has.
    assert_eq!(again.header("content-security-policy"), policy);
    let same = api.get("/assets/index.html");
    assert_eq!(same.body, page.body);
    for path in [
        "/assets/none.js",
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/",
    ] {
        api.get(path).problem("no-such-route");
    }
}

#[test]
fn the_pages_of_the_api_need_nothing_from_elsewhere() {
    let api = Api::start();
    let moved = api.get("/docs");
    assert_eq!((moved.status, moved.header("location")), (308, "/docs/"));
    let page = api.get("/docs/");
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("script-src 'self';") && !policy.contains("unsafe-eval"),
        "{policy}"
    );
    // On the second visit, too.
    let again = api.get_with("/docs/", &[("If-None-Match", page.header("etag"))]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!(again.header("content-security-policy"), policy);
    let text = page.text();
    // Inline scripts would not run.
    assert!(
        !text.contains("<script>") && !text.contains("javascript:"),
        "{text}"
    );
    let mut sources = 0;
    for part in text.split(['"', '\'']) {
        assert!(
            !part.starts_with("http") && !part.starts_with("//"),
            "{part}"
        );
        if [".js", ".css", ".png"]
            .iter()
            .any(|ending| part.ends_with(ending))
        {
            let file = api.get(&format!("/docs/{}", part.trim_start_matches("./")));
            assert_eq!(file.status, 200, "{part}");
            sources += 1;
        }
    }
    assert!(sources >= 4, "{text}");
    assert!(
        api.get("/docs/swagger-initializer.js")
            .text()
            .contains("/openapi.json")
    );
}

#[test]
fn every_answer_has_the_safe_headers() {
    let api = Api::start();
    for path in [
        "/",
        "/docs/",
        "/openapi.json",
        "/healthz",
        "/api/v1/jobs",
        "/api/v1/jobs/x",
        "/nothing",
        "/metrics",
    ] {
        let answer = api.get(path);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert!(
            answer
                .header("content-security-policy")
                .contains("frame-ancestors 'none'"),
            "{path}"
        );
    }
    assert_eq!(api.get("/api/v1/jobs").header("cache-control"), "no-store");
    // Those that never came to a route, too.
    let refused = api.get_with("/", &[("Origin", "https://evil.example")]);
    assert_eq!(
        (refused.status, refused.header("x-content-type-options")),
        (403, "nosniff")
    );
}
