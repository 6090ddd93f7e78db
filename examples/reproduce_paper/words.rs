//! Table IV: what each of the paper's concepts is in this project.

use crate::html::Html;
use crate::report::{Facts, Report, Section};

const FACTS: Facts = Facts {
    measured: "Nothing; a test checks that the files are there.",
    simulated: "Nothing.",
    unknown: "The rows that Table IV prints, so these are the paper’s words as the rest of this project uses them.",
};

/// The paper's word, the name here, the file, and what it is.
pub(crate) const WORDS: [[&str; 4]; 14] = [
    [
        "MsVPU, team worker",
        "Msvpu",
        "actors/src/actor/msvpu.rs",
        "one virtual processor: owns one tile, or one rank, for the life of a job",
    ],
    [
        "Team leader",
        "TeamLeader",
        "actors/src/actor/leader.rs",
        "drives the rounds of one job and folds what its team answers",
    ],
    [
        "Proxy Ms Provider",
        "Proxy",
        "actors/src/actor/proxy.rs",
        "accepts jobs and hands out their results",
    ],
    [
        "Load Balancer Ms",
        "LoadBalancer",
        "actors/src/actor/balancer.rs",
        "decides how many MsVPUs go on which node, and where the leader goes",
    ],
    [
        "DF Ms",
        "Directory",
        "actors/src/actor/directory.rs",
        "knows who is where, with leases and incarnations",
    ],
    [
        "TNPM",
        "NodeMonitor",
        "actors/src/actor/monitor.rs",
        "runs the performance test on its node",
    ],
    [
        "NPI, eqs. 1 and 4",
        "performance_indices",
        "actors/src/core/performance.rs",
        "in (0, 1]; 1 is the fastest node",
    ],
    [
        "NLI, eqs. 2 and 8",
        "load_indices",
        "actors/src/core/performance.rs",
        "how many MsVPUs a node deserves; then rounded so that the sum is the team",
    ],
    [
        "Elementary image",
        "tile",
        "src/services/tile.rs",
        "a piece of the input, and so the work of one MsVPU",
    ],
    [
        "Elementary results ER1 to ER3",
        "ElementaryResults",
        "src/services/classification/results.rs",
        "what an MsVPU sends back each round",
    ],
    [
        "Service",
        "Program",
        "actors/src/program.rs",
        "what a team runs: five pure functions",
    ],
    [
        "data_queue",
        "SupervisorMessage::Tile",
        "actors/src/message/mod.rs",
        "tiles on their way to MsVPUs, once",
    ],
    [
        "tasks_queue",
        "SupervisorMessage::Task",
        "actors/src/message/mod.rs",
        "the task of a round: for classification, the class centers",
    ],
    [
        "results_queue",
        "LeaderMessage::Answers",
        "actors/src/message/mod.rs",
        "partial results on their way to the leader",
    ],
];

/// Adds Table IV.
pub(crate) fn add(report: &mut Report) {
    let mut section = Section::new("table-4", "Table IV: the paper’s concepts here", FACTS);
    let body = section.body();
    body.element("div", &[("class", "scroll"), ("tabindex", "0")], |html| {
        html.element("table", &[], |html| {
            html.leaf(
                "caption",
                "",
                "The paper’s word, and what it is in this project",
            );
            html.element("thead", &[], |html| {
                html.element("tr", &[], |html| {
                    for head in ["Paper", "Here", "What it does", "File"] {
                        html.leaf("th", "", head);
                    }
                });
            });
            html.element("tbody", &[], |html| {
                for word in WORDS {
                    row(html, word);
                }
            });
        });
    });
    report.section(section);
}

fn row(html: &mut Html, [paper, here, file, what]: [&str; 4]) {
    let address = format!("{}/blob/main/{file}", env!("CARGO_PKG_REPOSITORY"));
    html.element("tr", &[], |html| {
        html.leaf("td", "", paper);
        html.element("td", &[], |html| {
            html.leaf("code", "", here);
        });
        html.leaf("td", "", what);
        html.element("td", &[], |html| {
            html.element("a", &[("href", &address)], |html| {
                html.text(file);
            });
        });
    });
}
