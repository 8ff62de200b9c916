use scalyr_monitor::testing::Harness;

use super::Coin;

#[test]
fn each_sample_flips_both_coins_and_counts() {
    let mut coin = Harness::<Coin>::from_config("{}");
    for count in 1..=3 {
        let sample = coin.sample();
        let uniform = sample.value("uniform").as_f64();
        assert!((0.0..1.0).contains(&uniform), "{uniform}");
        assert_eq!(sample.metric("uniform").field("count"), count);
        assert_eq!(sample.metric("gauss").field("count"), count);
    }
    coin.expect_all_emitted();
}

#[test]
fn without_spread_the_gaussian_coin_always_lands_on_its_mean() {
    let mut coin = Harness::<Coin>::from_config("{ gauss_mean: 8.5, gauss_stddev: 0 }");
    assert_eq!(coin.sample().value("gauss"), 8.5);
}

#[test]
fn every_option_outside_its_bounds_is_told() {
    let coin = Harness::<Coin>::from_config("{ gauss_mean: 11, gauss_stddev: -1 }");
    assert_eq!(coin.problems(), ["gauss_mean: 11 is above the maximum 10", "gauss_stddev: -1 is below the minimum 0"]);
}
