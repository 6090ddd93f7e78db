//! A message of each kind.

use std::time::Duration;

use bytes::Bytes;
use uuid::Uuid;

use crate::core::allotment::Share;
use crate::core::answer::Answer;
use crate::core::balance::Plan;
use crate::core::crew::Lap;
use crate::core::examination::Capacity;
use crate::core::fate::{Fate, Finding};
use crate::core::lease::Member;
use crate::core::msvpu::Stage;
use crate::core::ranks::Ranks;
use crate::core::record::Record;
use crate::core::reservation::ReservationId;
use crate::core::stopwatch::{Effort, Spent};
use crate::core::suspects::Suspects;
use crate::core::timesheet::Timesheet;
use crate::error::JobError;
use crate::id::{Epoch, Incarnation, JobId, NodeId, Origin, Rank, Round, TeamId};
use crate::job::{Cost, Finished, Forecast, JobOptions, JobState, NodeReport, NodeStatus};
use crate::message::{
    BalancerMessage, DirectoryMessage, Invocation, LeaderMessage, Message, MonitorMessage,
    ObserverMessage, ProxyMessage, SupervisorMessage,
};
use crate::payload::Payload;

pub(super) const NODE: NodeId = NodeId(7);
pub(super) const ORIGIN: Origin = Origin {
    node: NODE,
    incarnation: Incarnation(u64::MAX),
};

/// One message of each kind; `bulk` makes what may be long.
pub(super) fn messages(mut bulk: impl FnMut() -> Bytes) -> Vec<Message> {
    let job = JobId::new(Uuid::from_u128(1));
    let (epoch, round) = (Epoch(3), Round(4));
    let team = TeamId { job, epoch };
    let (leader, rank, id) = (NODE, Rank(5), ReservationId(6));
    let ranks: Ranks = (3..9).into();
    let time = Duration::from_nanos(123_456_789);
    let error = JobError::NoNode { timeout: time };
    let mut payload = || Payload {
        head: Bytes::from_static(b"head"),
        body: bulk(),
    };
    let invocation = Box::new(Invocation {
        program: "program".to_owned(),
        parameters: Bytes::from_static(b"{}"),
        options: JobOptions::default(),
    });
    let share = Share {
        origin: ORIGIN,
        ranks: ranks.clone(),
    };
    let report = NodeReport {
        node: NODE,
        performance_index: Some(0.25),
        load_index: None,
        msvpus: 1,
        predicted: Some(time),
        actual: time,
        deviation: 0.125,
    };
    let mut suspects = Suspects::default();
    suspects.lost(ORIGIN, &(0..2).into(), Stage::Collecting);
    suspects.leave(vec![share.clone()], Stage::Round(round));
    let mut record = || Record {
        sequence: 1,
        round,
        task: payload(),
        shares: vec![share.clone()],
        suspects: suspects.clone(),
        done: vec![report],
    };
    let records = [record(), record()];
    let plan = || Plan {
        shares: vec![share.clone()],
        forecasts: vec![Forecast {
            node: NODE,
            performance_index: 0.5,
            load_index: 2.5,
            round: time,
        }],
    };
    let status = NodeStatus {
        origin: ORIGIN,
        name: "node".to_owned(),
        age: Some(time),
        draining: true,
        cpus: 2,
        performance_index: Some(1.0),
        msvpus: 3,
        load: Some(4),
    };
    let member = Member {
        origin: ORIGIN,
        process: Incarnation(1),
        lingering: vec![(team.job, Incarnation(1))],
        name: "node".to_owned(),
        cpus: 2,
        draining: false,
    };
    let [first, second] = records;
    let finished = Finished {
        output: payload(),
        tiles: vec![Some(payload()), None, Some(payload())],
    };
    let answer = |payload| Answer {
        rank,
        stage: Stage::Round(round),
        payload,
        effort: Some(Box::new(Effort {
            waited: time,
            computed: time,
            ended: time,
        })),
    };
    let mut times = Timesheet::of(2);
    times.begin(Stage::Round(round), time);
    times.answered(Rank(1), NODE, Spent::default(), 2 * time);
    let answers = vec![
        answer(Some(payload())),
        answer(None),
        answer(Some(payload())),
    ];
    let (origin, ranks_of) = (ORIGIN, || ranks.clone());
    let proxy = [
        ProxyMessage::LeaderPlaced {
            job,
            origin: Some(origin),
        },
        ProxyMessage::EpochGranted { job, epoch },
        ProxyMessage::Lost(origin),
        ProxyMessage::LeaderStarted { team },
        ProxyMessage::Stands {
            team,
            number: 3,
            state: JobState::Failed(error.clone()),
        },
        ProxyMessage::Progressed {
            team,
            round,
            answered: 1,
            team_size: 2,
        },
        ProxyMessage::Times {
            team,
            news: times.clone(),
        },
        ProxyMessage::Commit {
            team,
            record: Box::new(first),
        },
        ProxyMessage::Ended {
            team,
            result: Box::new(Ok(finished)),
            nodes: vec![report],
            times,
        },
        ProxyMessage::Ended {
            team,
            result: Box::new(Err(error.clone())),
            nodes: Vec::new(),
            times: Timesheet::default(),
        },
    ];
    let cost = Cost {
        complexity: 1e9,
        bytes_exchanged: 0.1,
        tile_bytes: 2.0,
    };
    let balancer = [
        BalancerMessage::Members(vec![member.clone()]),
        BalancerMessage::PlaceLeader { job },
        BalancerMessage::Allot {
            team,
            leader,
            ranks: ranks_of(),
            program: "program".to_owned(),
            cost,
        },
        BalancerMessage::Survey {
            team,
            leader,
            origins: vec![origin],
            accused: vec![origin],
        },
        BalancerMessage::Measured {
            team,
            leader,
            round,
            laps: vec![Lap {
                origin,
                ranks: ranks_of(),
                took: Some(time),
                whole: true,
            }],
        },
        BalancerMessage::Tested {
            origin,
            test: 1,
            capacity: Capacity {
                cpus: 2,
                share: 0.5,
                load: 7,
            },
            compute: time,
            waited: time,
        },
        BalancerMessage::Forget { job },
        BalancerMessage::List {
            observer: NODE,
            ages: vec![(NODE, time)],
        },
    ];
    let directory = [
        DirectoryMessage::Renew {
            member,
            seen: Some((Incarnation(1), time)),
            hosted: vec![team],
        },
        DirectoryMessage::Grant { job },
        DirectoryMessage::Release { job },
        DirectoryMessage::Leave { origin },
        DirectoryMessage::List { observer: NODE },
    ];
    let supervisor = [
        SupervisorMessage::Granted {
            at: time,
            head: Incarnation(1),
            over: vec![team],
        },
        SupervisorMessage::Expelled {
            incarnation: Incarnation(2),
        },
        SupervisorMessage::StartLeader {
            team,
            invocation: invocation.clone(),
            input: payload(),
            resumed: Some(Box::new(second)),
        },
        SupervisorMessage::CancelLeader { team },
        SupervisorMessage::StartMsvpus {
            team,
            leader,
            invocation,
            ranks: ranks_of(),
            team_size: 9,
        },
        SupervisorMessage::Tile {
            team,
            rank,
            tile: payload(),
            complexity: 1.5,
        },
        SupervisorMessage::Task {
            team,
            ranks: ranks_of(),
            round,
            task: payload(),
        },
        SupervisorMessage::Collect {
            team,
            ranks: ranks_of(),
            output: payload(),
        },
        SupervisorMessage::Inquire {
            team,
            leader,
            ranks: ranks_of(),
            stage: Stage::Collecting,
        },
        SupervisorMessage::Reserve {
            team,
            leader,
            rank,
            id,
        },
        SupervisorMessage::Release { team, leader, id },
        SupervisorMessage::Settle { team, leader },
        SupervisorMessage::Retire {
            team,
            ranks: ranks_of(),
        },
        SupervisorMessage::Stop { team },
    ];
    let leader = [
        LeaderMessage::Allotted(plan()),
        LeaderMessage::Move(plan()),
        LeaderMessage::NoNode,
        LeaderMessage::Lost(vec![origin]),
        LeaderMessage::Fates(vec![Finding {
            of: origin,
            process: Incarnation(1),
            fate: Some(Fate::Survived),
        }]),
        LeaderMessage::Started {
            origin,
            ranks: ranks_of(),
        },
        LeaderMessage::Answers {
            origin,
            sent: time,
            answers,
        },
        LeaderMessage::Loading { origin },
        LeaderMessage::Lacks {
            origin,
            tiles: rank.into(),
            orders: Ranks::default(),
        },
        LeaderMessage::Absent {
            origin,
            ranks: ranks_of(),
        },
        LeaderMessage::Failed { origin, error },
        LeaderMessage::Committed { sequence: 7 },
        LeaderMessage::Reserved { origin, id },
        LeaderMessage::Released { origin, id },
        LeaderMessage::Settled { origin },
        LeaderMessage::Cancel,
    ];
    let test = MonitorMessage::Test {
        test: 1,
        work: 1e6,
        ballast: bulk(),
    };
    let mut messages = vec![test.into(), ObserverMessage::Nodes(vec![status]).into()];
    messages.extend(proxy.map(Message::from));
    messages.extend(balancer.map(Message::from));
    messages.extend(directory.map(Message::from));
    messages.extend(supervisor.map(Message::from));
    messages.extend(leader.map(Message::from));
    messages
}
