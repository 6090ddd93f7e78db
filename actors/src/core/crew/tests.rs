use super::*;

fn origin(node: u32, incarnation: u64) -> Origin {
    Origin {
        node: NodeId(node),
        incarnation: Incarnation(incarnation),
    }
}

fn ranks(range: std::ops::Range<u32>) -> Ranks {
    range.into()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Ranks 0 to 3 on node 1, and 4 to 5 on node 2.
fn crews() -> Crews {
    let mut crews = Crews::default();
    for (node, here) in [(1, 0..4), (2, 4..6)] {
        assert!(crews.place(origin(node, 1), &ranks(here.clone())));
        assert_eq!(
            crews.started(origin(node, 1), &ranks(here.clone())),
            Some(ranks(here))
        );
    }
    crews
}

#[test]
fn a_rank_is_where_it_has_started_under_that_incarnation() {
    let mut crews = Crews::default();
    assert!(crews.place(origin(1, 1), &ranks(0..4)));
    assert!(!crews.runs(origin(1, 1), Rank(0)), "only asked for");
    assert_eq!(crews.place_of(Rank(0)), None);
    assert_eq!(crews.started(origin(1, 1), &ranks(1..9)), Some(ranks(1..4)));
    assert_eq!(crews.started(origin(1, 1), &ranks(1..9)), Some(ranks(0..0)));
    assert_eq!(crews.started(origin(1, 2), &ranks(0..1)), None);
    assert_eq!(crews.started(origin(2, 1), &ranks(0..1)), None);
    assert!(crews.runs(origin(1, 1), Rank(1)) && !crews.runs(origin(1, 2), Rank(1)));
    assert_eq!(crews.place_of(Rank(1)), Some(origin(1, 1)));
    assert_eq!(crews.shares()[0].ranks, ranks(0..4), "there, or to be");
}

#[test]
fn no_two_incarnations_of_a_node_at_once_and_none_that_is_lost() {
    let mut crews = crews();
    assert!(!crews.place(origin(1, 2), &ranks(6..7)));
    assert!(crews.lose(origin(1, 2)).is_none(), "no crew of that one");
    assert!(crews.lose(origin(2, 3)).is_none());
    let lost = crews.lose(origin(1, 1)).unwrap();
    assert_eq!(lost.live, ranks(0..4));
    assert_eq!(crews.origins(), [origin(2, 1)]);
    for incarnation in 1..=2 {
        assert!(!crews.place(origin(1, incarnation), &ranks(6..7)));
    }
    assert!(crews.place(origin(1, 3), &ranks(6..7)));
}

#[test]
fn ranks_are_taken_from_all_nodes_but_the_one_that_they_go_to() {
    let mut crews = crews();
    let removed = crews.remove(&ranks(2..5), origin(2, 1));
    assert_eq!(removed, [(origin(1, 1), ranks(2..4))]);
    assert_eq!(crews.place_of(Rank(2)), None);
    assert_eq!(crews.place_of(Rank(4)), Some(origin(2, 1)));
}

#[test]
fn a_node_takes_from_the_order_to_its_last_answer() {
    let mut crews = crews();
    let lap = |node, here, took: Option<u64>, whole| Lap {
        origin: origin(node, 1),
        ranks: ranks(here),
        took: took.map(ms),
        whole,
    };
    crews.ask(ms(100));
    crews.answered(origin(1, 1), ms(130));
    crews.answered(origin(1, 1), ms(170));
    crews.answered(origin(2, 2), ms(180));
    assert_eq!(
        crews.laps(),
        [lap(1, 0..4, Some(70), true), lap(2, 4..6, None, true)],
        "the other has not answered under this incarnation"
    );
    crews.ask(ms(200));
    assert_eq!(
        crews.laps(),
        [lap(1, 0..4, None, true), lap(2, 4..6, None, true)],
        "a new round"
    );
}

#[test]
fn the_time_of_a_round_in_which_tiles_came_tells_nothing_of_the_node() {
    let mut crews = crews();
    let whole = |crews: &Crews| crews.laps().iter().map(|lap| lap.whole).collect::<Vec<_>>();
    assert_eq!(
        whole(&crews),
        [false, false],
        "they came with the first task"
    );
    crews.ask(ms(100));
    assert_eq!(whole(&crews), [true, true]);
    crews.place(origin(2, 1), &ranks(6..8));
    crews.started(origin(2, 1), &ranks(6..7));
    assert_eq!(
        whole(&crews),
        [true, false],
        "a lost node's are at work there"
    );
    crews.hold_back(origin(2, 1), &ranks(6..7));
    crews.ask(ms(200));
    assert_eq!(
        whole(&crews),
        [true, false],
        "their tiles come in this round"
    );
    crews.take_unsent();
    crews.ask(ms(300));
    crews.started(origin(2, 1), &ranks(7..8));
    assert_eq!(whole(&crews), [true, false]);
    crews.ask(ms(400));
    crews.loading(origin(1, 1));
    assert_eq!(whole(&crews), [false, true], "a tile was lost on its way");
}

#[test]
fn what_is_not_there_is_to_be_started_again() {
    let mut crews = crews();
    assert_eq!(crews.absent(origin(1, 1), &ranks(3..5)), ranks(3..4));
    assert!(!crews.runs(origin(1, 1), Rank(3)));
    assert_eq!(crews.absent(origin(1, 2), &ranks(0..1)), ranks(0..0));
    assert_eq!(crews.started(origin(1, 1), &ranks(3..4)), Some(ranks(3..4)));
}
