use proptest::prelude::*;

use super::*;

const NODE: NodeId = NodeId(3);

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const fn stage(round: u32) -> Stage {
    Stage::Round(Round(round))
}

fn spent(waited: u64, computed: u64, kept: u64) -> Spent {
    Spent {
        waited: ms(waited),
        computed: ms(computed),
        kept: ms(kept),
    }
}

/// Rounds of 10 ms, in each of which every rank answers.
fn played(team_size: u32, rounds: std::ops::RangeInclusive<u32>) -> Timesheet {
    let mut sheet = Timesheet::of(team_size);
    for round in rounds {
        let began = u64::from(round) * 10;
        sheet.begin(stage(round), ms(began));
        for rank in 0..team_size {
            sheet.answered(Rank(rank), NODE, spent(1, 2, 3), ms(began + 8));
        }
        sheet.end(ms(began + 9));
    }
    sheet
}

fn rounds(sheet: &Timesheet) -> Vec<u32> {
    let rounds = sheet.rounds().filter_map(RoundTimes::round);
    rounds.map(|round| round.0).collect()
}

#[test]
fn the_parts_of_a_stint_are_the_whole_of_it() {
    let mut sheet = Timesheet::of(2);
    sheet.begin(stage(1), ms(100));
    sheet.answered(Rank(1), NODE, spent(5, 20, 3), ms(140));
    let round = sheet.rounds().next().unwrap();
    assert_eq!(
        (round.round(), round.began, round.ended),
        (Some(Round(1)), ms(100), None)
    );
    assert_eq!(round.stints[0], None, "it has not answered");
    let stint = round.stints[1].unwrap();
    assert_eq!((stint.node, stint.arrived), (NODE, ms(40)));
    assert_eq!(
        (stint.waited, stint.computed, stint.kept, stint.transfer()),
        (ms(5), ms(20), ms(3), ms(12))
    );
    sheet.end(ms(141));
    assert_eq!(sheet.rounds().next().unwrap().ended, Some(ms(141)));
    sheet.begin(Stage::Collecting, ms(150));
    assert_eq!(sheet.rounds().last().unwrap().round(), None);
}

#[test]
fn a_node_whose_clock_runs_fast_computes_no_longer_than_it_was_waited_for() {
    let stint = Stint::new(NODE, ms(10), spent(5, 8, 7));
    assert_eq!(
        (stint.computed, stint.waited, stint.kept, stint.transfer()),
        (ms(8), ms(2), ms(0), ms(0))
    );
}

#[test]
fn large_teams_are_thinned_out_evenly() {
    for (team_size, expected, kept) in [
        (0, 1, 0),
        (1, 1, 1),
        (128, 1, 128),
        (129, 2, 65),
        (1000, 8, 125),
        (1_000_000, 7813, 128),
        (u32::MAX, 33_554_432, 128),
    ] {
        let sheet = Timesheet::of(team_size);
        assert_eq!((sheet.stride(), sheet.kept()), (expected, kept));
        let last = (kept as u32).saturating_sub(1) * expected;
        assert!(is_kept(Rank(last), team_size));
        assert!(expected == 1 || !is_kept(Rank(last + 1), team_size));
    }
    let sheet = played(300, 1..=1);
    let round = sheet.rounds().next().unwrap();
    assert_eq!(round.stints.len(), 100);
    assert!(round.stints.iter().all(Option::is_some));
}

#[test]
fn ranks_that_are_not_kept_or_not_there_change_nothing() {
    let mut sheet = Timesheet::of(300);
    sheet.answered(Rank(0), NODE, spent(1, 1, 1), ms(9));
    sheet.end(ms(9));
    assert_eq!(sheet, Timesheet::of(300), "before the first order");
    sheet.begin(stage(1), ms(0));
    let before = sheet.clone();
    for rank in [1, 2, 301, 300] {
        sheet.answered(Rank(rank), NODE, spent(1, 1, 1), ms(9));
    }
    assert_eq!(sheet, before);
}

#[test]
fn the_latest_rounds_are_kept_and_take_no_more_than_a_third_of_a_megabyte() {
    for team_size in [1, 3, 16, 17, 100, 128, 129, 5000] {
        let mut sheet = played(team_size, 1..=300);
        let kept = sheet.rounds().len();
        assert!(kept <= 256);
        assert_eq!(rounds(&sheet).last(), Some(&300));
        assert_eq!(rounds(&sheet).len(), kept);
        let bytes = |sheet: &Timesheet| -> usize {
            let of = |round: &RoundTimes| round.stints.capacity() * size_of::<Option<Stint>>();
            sheet.rounds().map(of).sum()
        };
        let before = bytes(&sheet);
        assert!(before <= 333_333, "{team_size}: {before} bytes");
        sheet.begin(stage(301), ms(9999));
        assert_eq!(
            bytes(&sheet),
            before,
            "the oldest round's memory is used again"
        );
        assert_eq!(sheet.rounds().len(), kept);
        assert!(
            sheet
                .rounds()
                .last()
                .unwrap()
                .stints
                .iter()
                .all(Option::is_none)
        );
    }
    assert_eq!(played(128, 1..=300).rounds().len(), 32);
    assert_eq!(played(2, 1..=300).rounds().len(), 256);
}

#[test]
fn who_was_told_is_told_the_rest() {
    let mut leader = played(4, 1..=3);
    assert_eq!(leader.last_ended(), Some(stage(3)));
    leader.begin(stage(4), ms(40));
    leader.answered(Rank(2), NODE, spent(1, 2, 3), ms(47));
    assert_eq!(leader.last_ended(), Some(stage(3)));
    assert_eq!(rounds(&leader.since(None)), [1, 2, 3, 4]);
    assert_eq!(rounds(&leader.since(Some(stage(2)))), [3, 4]);
    let mut watcher = leader.since(None);
    leader.answered(Rank(3), NODE, spent(1, 2, 3), ms(48));
    leader.end(ms(49));
    leader.begin(Stage::Collecting, ms(50));
    watcher.absorb(leader.since(Some(stage(3))));
    assert_eq!(watcher, leader, "a round that was under way is told again");
}

#[test]
fn another_team_takes_the_place_of_the_first() {
    let mut watcher = played(4, 1..=3);
    watcher.absorb(played(5, 2..=2));
    assert_eq!(watcher, played(5, 2..=2));
}

proptest! {
    #[test]
    fn news_may_come_in_any_order_and_twice(
        cuts in prop::collection::vec((1_u32..=40, 1_u32..=40), 0..12),
        team_size in prop::sample::select(vec![1_u32, 128]),
    ) {
        let leader = played(team_size, 1..=40);
        let mut watcher = Timesheet::default();
        for (from, to) in cuts {
            watcher.absorb(played(team_size, from..=to));
            let known = rounds(&watcher);
            prop_assert!(known.is_sorted() && known.len() <= leader.rounds().len());
        }
        watcher.absorb(leader.clone());
        prop_assert_eq!(watcher, leader);
    }
}
