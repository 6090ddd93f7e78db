//! There is no node to run MsVPUs.

use super::*;

#[test]
fn a_team_that_no_node_can_run_says_so_once_and_goes_on_when_one_can() {
    let mut scene = Scene::split(3);
    assert_eq!(scene.step(Event::NoNode), [Effect::Wait]);
    assert_eq!(scene.step(Event::NoNode), NOTHING, "watchers know");
    let asked = Effect::Allot(ranks(0..3));
    assert!(scene.step(Event::Tick).contains(&asked), "it asks again");
    let some = scene.step(Event::Allotted(vec![share(node(0), 0..2)]));
    let entered = |effects: &[Effect], phase| effects.contains(&Effect::Enter(phase));
    assert!(!entered(&some, Phase::Iterating), "one is still without");
    assert_eq!(scene.step(Event::NoNode), NOTHING);
    let all = scene.step(Event::Allotted(vec![share(node(1), [2])]));
    assert!(entered(&all, Phase::Iterating), "{all:?}");
    assert_eq!(scene.step(Event::NoNode), NOTHING, "all have a place");
}

#[test]
fn a_team_that_has_lost_all_nodes_waits_and_goes_on_where_it_was() {
    let mut scene = Scene::second_round();
    assert_eq!(scene.step(Event::NoNode), NOTHING, "an answer to nothing");
    scene.answer(node(0), SECOND, 0);
    scene.step(Event::Lost(vec![node(0), node(1)]));
    assert_eq!(scene.step(Event::NoNode), [Effect::Wait]);
    let allotted = scene.allotted(vec![share(node(2), 0..3)]);
    assert!(allotted.contains(&Effect::Enter(Phase::Iterating)));
    let started = scene.step(Event::Started(node(2), ranks(0..3)));
    let task = Effect::SendTask(node(2), ranks(1..3), Round(2), payload(8));
    assert!(started.contains(&task), "one answer is there: {started:?}");
    scene.step(Event::Lost(vec![node(2)]));
    assert_eq!(scene.step(Event::NoNode), [Effect::Wait], "and once more");
}

#[test]
fn a_team_that_waits_while_it_collects_goes_on_collecting() {
    let mut scene = Scene::started();
    scene.answer_all(FIRST);
    scene.step(Event::Folded(Ok(Step::Done(payload(7)))));
    scene.step(Event::Lost(vec![node(0), node(1)]));
    assert_eq!(scene.step(Event::NoNode), [Effect::Wait]);
    let allotted = scene.step(Event::Allotted(vec![share(node(2), 0..3)]));
    assert!(allotted.contains(&Effect::Enter(Phase::Assembling)));
}

/// Else nobody would end it when it has waited for too long.
#[test]
fn a_team_that_waits_when_the_rounds_end_goes_on_waiting() {
    let mut scene = Scene::started();
    scene.answer_all(FIRST);
    scene.step(Event::Lost(vec![node(0), node(1)]));
    assert_eq!(scene.step(Event::NoNode), [Effect::Wait]);
    let entered = |effects: &[Effect]| {
        let phases = effects.iter().filter_map(|effect| match effect {
            Effect::Enter(phase) => Some(*phase),
            _ => None,
        });
        phases.collect::<Vec<_>>()
    };
    let done = scene.step(Event::Folded(Ok(Step::Done(payload(7)))));
    assert!(entered(&done).is_empty(), "{done:?}");
    let allotted = scene.step(Event::Allotted(vec![share(node(2), 0..3)]));
    assert_eq!(entered(&allotted), [Phase::Assembling], "{allotted:?}");
}

#[test]
fn a_team_that_finds_a_node_while_the_last_record_is_not_safe_goes_on_assembling() {
    let mut scene = Scene::started();
    scene.answer_all(FIRST);
    scene.step(Event::Folded(Ok(Step::Next(payload(8)))));
    scene.answer_all(SECOND);
    scene.step(Event::Folded(Ok(Step::Done(payload(7)))));
    scene.step(Event::Lost(vec![node(0), node(1)]));
    assert_eq!(scene.step(Event::NoNode), [Effect::Wait]);
    let allotted = scene.step(Event::Allotted(vec![share(node(2), 0..3)]));
    assert!(allotted.contains(&Effect::Enter(Phase::Assembling)));
}

#[test]
fn a_team_that_has_ended_waits_for_nobody() {
    let mut scene = Scene::split(3);
    scene.step(Event::End(JobError::Cancelled));
    assert_eq!(scene.step(Event::NoNode), NOTHING);
}
