//! What became of the nodes that a tile is suspected to have brought down.

use super::*;

/// Rank 0 has lost the node of its trial as well, and is placed on node 4 with rank 1.
fn tried() -> Scene {
    let mut scene = twice_lost();
    scene.step(Event::Started(node(3), ranks(0..2)));
    trial(&mut scene, 1);
    scene.step(Event::Lost(vec![node(3)]));
    scene.allotted(vec![share(node(4), 0..2)]);
    scene.step(Event::Started(node(4), ranks(0..2)));
    scene
}

#[test]
fn a_tile_whose_nodes_do_not_come_back_is_named_in_the_end_and_does_not_run_until_then() {
    let mut scene = tried();
    let all = [node(0), node(2), node(3)];
    assert_eq!(accused(&mut scene), all);
    assert_eq!(died(&mut scene, [2]), NOTHING);
    assert_eq!(accused(&mut scene), [node(0), node(3)]);
    let (mut ticks, mut effects) = (2, Vec::new());
    while !scene.team.has_ended() {
        ticks += 1;
        assert!(ticks < 50, "it hangs");
        assert!(!sent(&effects).contains(&0), "{effects:?}");
        effects = scene.step(Event::Tick);
    }
    assert_eq!((ticks, &effects[..]), (40, &poison(0)[..]), "ten leases");
}

#[test]
fn a_trial_whose_node_was_only_cut_off_is_held_again() {
    let mut scene = tried();
    died(&mut scene, [0, 2]);
    // Rank 1 goes on meanwhile.
    let order = |id: u64| Effect::Reserve(node(4), Rank(2 - id as u32), ReservationId(id + 1));
    assert!(scene.step(Event::Tick).contains(&order(1)));
    assert_eq!(survived(&mut scene, 3), NOTHING, "one at a time");
    reserved(&mut scene, node(4), 2);
    assert_eq!(sent(&scene.committed()), [1]);
    let passed = scene.answer(node(4), SECOND, 1);
    assert_eq!(passed.last(), Some(&order(2)));
    scene.committed();
    reserved(&mut scene, node(4), 3);
    assert_eq!(sent(&scene.committed()), [0]);
    scene.step(Event::Lost(vec![node(4)]));
    assert_eq!(died(&mut scene, [4]), poison(0));
}

#[test]
fn a_suspect_whose_node_was_only_cut_off_runs_like_all_others() {
    let mut scene = twice_lost();
    scene.committed();
    let started = scene.step(Event::Started(node(3), ranks(0..2)));
    assert_eq!(started, [reserve(1)]);
    let freed = survived(&mut scene, 2);
    assert!(records(&freed, None, &[]), "{freed:?}");
    assert_eq!(scene.committed(), NOTHING, "the node is reserved");
    assert_eq!(reserved(&mut scene, node(3), 1), [release(1)]);
    assert_eq!(accused(&mut scene), [node(0)]);
    assert_eq!(sent(&lacks(&mut scene, 0)), [0]);
    assert_eq!(sent(&lacks(&mut scene, 1)), [1]);
}

#[test]
fn who_is_free_again_runs_when_the_proxy_knows_of_it() {
    let mut scene = twice_lost();
    scene.step(Event::Lost(vec![node(3)]));
    scene.allotted(vec![share(node(1), 0..2)]);
    let started = scene.step(Event::Started(node(1), ranks(0..2)));
    assert_eq!(started, NOTHING, "rank 2 is at work there");
    let freed = survived(&mut scene, 0);
    assert!(matches!(&freed[..], [Effect::Commit(_)]), "{freed:?}");
    let sent_now = scene.committed();
    assert_eq!(
        (sent(&sent_now), ordered(&sent_now)),
        (vec![0, 1], ranks(0..2))
    );
}
