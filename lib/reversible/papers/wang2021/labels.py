"""What the measures of these experiments are, in words."""

from __future__ import annotations

from reversible.runs.labels import labels, score

preimages = labels(
    {
        "p_share": "share of P-matrices",
        "p_with_another_count": "number of P-matrices with a right-hand side that has not exactly one preimage",
        "not_p_shown": "share of the other matrices with a right-hand side that has none or several",
        "p_but_not_monotone": "share of P-matrices that the monotone condition misses",
        "transposed_differs": "number of matrices on whose transpose the test says something else",
        "swapped_stays_p": "number of P-matrices that the test still calls so with two rows exchanged",
        "sides": "number of right-hand sides tried",
        "set_aside": "number of right-hand sides set aside, as they lie within rounding of two pieces",
        "smallest_pivot": "smallest pivot that decided, in magnitude",
    }
)

units = labels(
    {
        "worst_error_{place}": "largest relative error of what comes back, {place}",
        "p_share_{place}": "share of P-matrices, {place}",
        "cycled": "number of units on which Newton's method cycled and the fallback was needed",
    },
    place={"narrow": "6 hidden units and 12 inputs", "wide": "10 hidden units and 6 inputs"},
)

wide_units = labels(
    {
        "missed_by_p": "share of one-to-one units that are no P-matrices",
        "one_to_one_share": "share of units that are one-to-one",
        "shown": "share of the other units of which some tried y has none or several preimages",
        "p_not_one_to_one": "number of P-matrices whose unit is not one-to-one",
        "negative": "number of one-to-one units whose pieces all turn space over",
        "several_sheets": "number of units with one sign on all pieces and several preimages of each y",
        "refuted": "number of one-to-one units of which some tried y has none or several preimages",
        "not_listed": "number of units whose pieces could not be listed",
    }
)

FAMILIES = {"gaussian": "Gaussian matrices", "gram": "Gram matrices", "unit": "residual units"}

curves = labels(
    {
        "gain_{family}": "share of P cases that pattern Newton alone solves, not the plain one ({family}, s = 1)",
        "beyond_damping_{family}": "share of P cases that damping alone does not solve ({family}, s = 1)",
        "missed_by_monotone_{family}": "share of P-matrices that the monotone condition misses ({family}, s = 1)",
        "p_share_{family}": "share of P-matrices ({family}, s = 1)",
        "plain_share_{family}": "share of cases in which the plain iteration arrives ({family}, s = 1)",
        "largest_gain_mostly_p": "largest such gain over the plain iteration at a size where most Gaussian matrices are"
        " P-matrices",
        "largest_gap": "share in which the plain iteration arrives less that of P-matrices, where they differ most",
        "several_where_plain_arrives": "share with several preimages of the cases, no P-matrices, in which the plain"
        " iteration arrives",
        "proved_step_too_slow": "share of monotone cases that take more than 2,000 steps at the proved step",
        "p_not_solved": "number of P cases that pattern Newton with its fallback does not solve",
        "newton_cycles_on_p": "number of P cases on which Newton's method alone cycles",
        "p_cases": "number of P cases",
        "rms_z_single": score("the share of P-matrices at h = 1"),
        "unclear": "number of matrices with a pivot within rounding of zero",
    },
    family=FAMILIES,
)

large = labels(
    {
        "banach_below": "share of matrices with ||A|| < 1 at s = 0.47",
        "banach_above": "share of matrices with ||A|| < 1 at s = 0.53",
        "monotone_below": "share of matrices that are monotone at s = 0.68",
        "monotone_above": "share of matrices that are monotone at s = 0.74",
        "plain_below": "share of cases in which the plain iteration arrives at s = 1.1",
        "plain_above": "share of cases in which the plain iteration arrives at s = 1.6",
        "not_one_to_one": "share of matrices that are proved not to be one-to-one at s = 1.1",
        "energy_over_law": "squared length of the solution over its law at s = 0.8",
        "banach_edge": "size at which Banach's condition ends",
        "monotone_edge": "size at which the monotone condition ends",
    }
)

digit_nets = labels(
    {
        "extra_test_error": "test error of the special net less that of the ordinary one",
        "test_error_{net}": "test error of the {net} net",
        "least_lipschitz_{net}": "smallest product of the norms of W1 and W2 in any unit of the {net} nets",
        "proved_one_to_one_{net}": "share of units of the {net} nets proved to be one-to-one",
        "proved_not_one_to_one_{net}": "share of units of the {net} nets proved not to be one-to-one",
        "back_by_any_{net}": "share of digits that the {net} net gives back by one of the methods",
        "back_by_{method}_{net}": "share of digits that the {net} net gives back by {method}",
        "error_{method}_{net}": "median relative error of digits from the {net} net by {method}, 1 at most",
        "plain_over_newton_special": "median error of the plain iteration over that of pattern Newton, special net",
        "float64_error_special": "median relative error from the special net where the way up is in double precision",
        "active_{net}": "share of active hidden units, {net} nets",
        "test_error_faster": "test error of ordinary nets trained at three times the rate",
        "back_by_any_faster": "share of digits that ordinary nets trained at three times the rate give back",
        "back_by_plain_faster": "share of digits that these give back by the plain iteration",
        "active_faster": "share of active hidden units, ordinary nets trained at three times the rate",
        "proved_not_one_to_one_faster": "share of units of these nets proved not to be one-to-one",
        "worst_error_special": "largest relative error of any digit from the special nets by pattern Newton",
    },
    net={"special": "special", "ordinary": "ordinary"},
    method={"newton": "pattern Newton", "damped": "the damped iteration", "plain": "the plain iteration"},
)

sparse = labels(
    {
        "any_{share}": "share of solutions found again by one of the methods, {share}",
        "{method}_{share}": "share of solutions found again by {method}, {share}",
        "radius_{share}": "spectral radius of the active block of A, {share}",
        "few_but_long": "share found again by one of the methods, 4 % of the units active and their values √5 times as"
        " large",
        "norm": "norm of A",
        "not_one_to_one": "share of transforms that are proved not to be one-to-one",
    },
    share={
        "few": "4 % of the units active",
        "some": "10 % of the units active",
        "many": "20 % of the units active",
    },
    method={"newton": "pattern Newton", "damped": "the damped iteration", "plain": "the plain iteration"},
)
