use std::fs;

use msvpu_web::engine::EngineError;
use serde_json::json;
use uuid::Uuid;

use crate::support::{Bench, nobody, read};

/// More than artifacts may have together to be kept in the records.
const LARGE_BYTES: usize = 65 << 10;

/// How many files a job has.
fn files(bench: &Bench, job: Uuid) -> usize {
    let folder = bench.folder.path().join("jobs").join(job.to_string());
    fs::read_dir(folder).map_or(0, Iterator::count)
}

#[tokio::test]
async fn artifacts_are_there_whatever_their_size_and_wherever_they_came_from() {
    let bench = Bench::new().await;
    for (file_bytes, kept) in [(1, 0), (16 << 10, 0), (17 << 10, 4), (LARGE_BYTES, 4)] {
        let params = json!({"files": 2, "documents": 2, "file_bytes": file_bytes});
        let job = bench.submit("a", params).await;
        let done = bench.ended(job.id).await;
        let names: Vec<&str> = done.artifacts.iter().map(|of| of.name.as_str()).collect();
        let told = [
            "document-0.txt",
            "document-1.txt",
            "file-0.txt",
            "file-1.txt",
        ];
        assert_eq!(names, told);
        for artifact in &done.artifacts {
            let (name, nobody) = (&artifact.name, nobody());
            let found = bench.engine.artifact(&nobody, job.id, name).await;
            let content = read(found.unwrap().1);
            let byte = if artifact.name.starts_with('d') {
                b'd'
            } else {
                b'a'
            };
            assert_eq!(content, vec![byte; file_bytes]);
            assert_eq!(artifact.bytes, file_bytes as u64);
        }
        assert_eq!(files(&bench, job.id), kept);
        bench.engine.delete(&nobody(), job.id).await.unwrap();
        assert_eq!(files(&bench, job.id), 0);
    }
}

#[tokio::test]
async fn files_that_nobody_was_told_of_are_not_kept() {
    let bench = Bench::new().await;
    for (file_bytes, kept) in [(1, 0), (LARGE_BYTES, 1)] {
        let params = json!({"files": 1, "file_bytes": file_bytes, "stray": true});
        let job = bench.submit("a", params).await;
        let done = bench.ended(job.id).await;
        assert_eq!(done.artifacts.len(), 1);
        assert_eq!(files(&bench, job.id), kept);
    }
    let job = bench.submit("a", json!({"files": 1})).await;
    bench.ended(job.id).await;
    let missing = bench.engine.artifact(&nobody(), job.id, "../lock").await;
    assert!(matches!(
        missing,
        Err(EngineError::NotFound {
            what: "artifact",
            ..
        })
    ));
}
