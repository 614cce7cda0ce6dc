"""How good the searches themselves are: what replays and audits need of Ray and hyperopt."""
