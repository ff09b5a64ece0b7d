for (int i = 0; i < $P_FEATURES; i++) {
            x[i] = ($T)numbers[i];
        }
