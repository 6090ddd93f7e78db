use msvpu_web::engine::{EngineError, Filter};
use serde_json::json;

use crate::support::{Bench, admin, named, new_job, nobody, upload};

fn is_not_found<T: std::fmt::Debug>(answer: Result<T, EngineError>) {
    assert!(
        matches!(answer, Err(EngineError::NotFound { .. })),
        "{answer:?}"
    );
}

#[tokio::test]
async fn what_is_anothers_is_not_there() {
    let bench = Bench::new().await;
    let engine = &bench.engine;
    let ann = named("ann");
    let file = upload(engine, &ann, "a", 1).await.unwrap();
    let job = new_job(file.id, json!({"files": 1}));
    let (job, _) = engine.submit(&ann, job, None).await.unwrap();
    bench.ended(job.id).await;
    for stranger in [named("bob"), nobody()] {
        is_not_found(engine.upload(&stranger, file.id).await);
        is_not_found(engine.delete_upload(&stranger, file.id).await);
        is_not_found(
            engine
                .submit(&stranger, new_job(file.id, json!({})), None)
                .await,
        );
        is_not_found(engine.job(&stranger, job.id).await);
        is_not_found(
            engine
                .job_after(&stranger, job.id, None, std::time::Duration::ZERO)
                .await,
        );
        is_not_found(engine.events(&stranger, job.id, 0).await.map(|_| ()));
        is_not_found(engine.iterations(&stranger, job.id).await.map(|_| ()));
        is_not_found(engine.artifact(&stranger, job.id, "file-0.txt").await);
        is_not_found(engine.cancel(&stranger, job.id).await);
        is_not_found(engine.delete(&stranger, job.id).await);
        let page = engine.jobs(&stranger, &Filter::default(), 10, None).await;
        assert_eq!(page.unwrap().jobs, []);
    }
    for friend in [ann, admin()] {
        let page = engine.jobs(&friend, &Filter::default(), 10, None).await;
        assert_eq!(page.unwrap().jobs.len(), 1);
        assert_eq!(
            engine.job(&friend, job.id).await.unwrap().owner.as_deref(),
            Some("ann")
        );
        engine
            .artifact(&friend, job.id, "file-0.txt")
            .await
            .unwrap();
    }
    engine.delete(&admin(), job.id).await.unwrap();
}
