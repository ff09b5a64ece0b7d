    int best = 0; /* the first of the largest; the first NaN, if there is one */
    for (int k = 1; k < $P_OUTPUTS && y[best] == y[best]; k++) {
        if (y[k] > y[best] || y[k] != y[k]) {
            best = k;
        }
    }
    *label = best;
