use scalyr_monitor::testing::{Harness, json};

use super::Coin;

/// `uniform 0.25 count=1` as `("uniform", 0.25, "count=1")`.
fn parts(line: &str) -> (&str, f64, &str) {
    let [name, value, field] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
    (name, value.parse().unwrap(), field)
}

#[test]
fn each_sample_flips_both_coins_and_counts() {
    let mut coin = Harness::new::<Coin>(json!({})).unwrap();
    for count in 1..=3 {
        let lines = coin.sample().unwrap();
        let [(uniform, flip, first), (gauss, _, second)] = lines.iter().map(|line| parts(line)).collect::<Vec<_>>()[..]
        else {
            panic!("{lines:?}")
        };
        assert_eq!((uniform, gauss), ("uniform", "gauss"));
        assert!((0.0..1.0).contains(&flip), "{flip}");
        assert_eq!((first, second), (format!("count={count}").as_str(), format!("count={count}").as_str()));
    }
}

#[test]
fn without_spread_the_gaussian_coin_always_lands_on_its_mean() {
    let mut coin = Harness::new::<Coin>(json!({ "gauss_mean": 8.5, "gauss_stddev": 0 })).unwrap();
    assert_eq!(parts(&coin.sample().unwrap()[1]), ("gauss", 8.5, "count=1"));
}

#[test]
fn every_option_outside_its_bounds_is_told() {
    let problems = Harness::new::<Coin>(json!({ "gauss_mean": 11, "gauss_stddev": -1 })).err().unwrap();
    let told: Vec<_> = problems.iter().map(|problem| (problem.path.as_str(), problem.message.as_str())).collect();
    assert_eq!(told, [("gauss_mean", "11 is above the maximum 10"), ("gauss_stddev", "-1 is below the minimum 0")]);
}
