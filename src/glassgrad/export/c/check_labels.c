    for (int i = 0; i < $P_BATCH; i++) {
        if (t[i] < 0 || t[i] >= $P_OUTPUTS) {
            return $P_NO_WORD;
        }
    }
